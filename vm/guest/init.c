/*
 * First program of the guest. Its root is the host's root over 9p, read-only;
 * what programs expect to write to is laid over it in memory. A static program
 * rather than a script, because under emulation each program that is started
 * over 9p costs a tenth of a second or more.
 *
 * It is told what to do by the file "orders" in the run folder: words, each
 * ended by a NUL; the first word of an order decides how many follow it.
 *
 * Control channel, lines from here: "init", "up", "fail <reason>",
 * "exit <status>". The host says nothing and closes it when it is gone, which
 * ends the guest.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/reboot.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

/* Everything of this program's own lies below it; covers nothing of the host's. */
#define OWN "/dev/.sendzc"
#define HELD OWN "/held"
#define SHARE_OPTIONS "trans=virtio,version=9p2000.L,msize=512000"
#define ORDERS_MAX_BYTES (1 << 20)
#define ARGUMENTS_MAX 4096
/* The ports appear after their driver has spoken with the host. */
#define PORT_WAIT_MS 60000
#define PORT_POLL_MS 2

enum port { CONTROL, OUT, ERR, PORTS };

static int ports[PORTS] = { -1, -1, -1 };
static char orders[ORDERS_MAX_BYTES];
static size_t orders_bytes;
static char *arguments[ARGUMENTS_MAX + 1];
static int argument_count;
static const char *end_mark = "";

static void write_all(int fd, const char *bytes, size_t size)
{
	while (size > 0) {
		ssize_t n = write(fd, bytes, size);

		if (n < 0 && errno != EINTR)
			return;
		if (n > 0) {
			bytes += n;
			size -= n;
		}
	}
}

/* Says a line to the host, or to the console before there is a channel. */
static void say(const char *format, ...)
{
	char line[1024];
	va_list list;

	va_start(list, format);
	vsnprintf(line, sizeof(line) - 1, format, list);
	va_end(list);
	strcat(line, "\n");
	write_all(ports[CONTROL] >= 0 ? ports[CONTROL] : STDERR_FILENO, line, strlen(line));
}

static void fail(const char *what, const char *which)
{
	say("fail in the guest: %s %s: %s", what, which, strerror(errno));
	/* The host ends the machine once it has read the line. */
	if (ports[CONTROL] < 0)
		reboot(RB_AUTOBOOT);
	for (;;)
		pause();
}

static void make_folder(const char *path)
{
	char part[4096];

	snprintf(part, sizeof(part), "%s", path);
	for (char *at = part + 1; *at; at++) {
		if (*at != '/')
			continue;
		*at = 0;
		mkdir(part, 0755);
		*at = '/';
	}
	if (mkdir(part, 0755) && errno != EEXIST)
		fail("cannot make the folder", path);
}

static void attach(const char *type, const char *source, const char *path, unsigned long flags, const char *options)
{
	if (mount(source, path, type, flags, options))
		fail("cannot mount", path);
}

static void bind_folder(const char *from, const char *to)
{
	make_folder(to);
	if (mount(from, to, NULL, MS_BIND, NULL))
		fail("cannot bind", from);
}

static void open_ports(void)
{
	const struct timespec pause_time = { .tv_nsec = PORT_POLL_MS * 1000000L };
	char path[32];
	int waited_ms = 0;

	for (int i = 0; i < PORTS; i++) {
		int fd;

		snprintf(path, sizeof(path), "/dev/vport0p%d", i + 1);
		while ((fd = open(path, (i == CONTROL ? O_RDWR : O_WRONLY) | O_CLOEXEC)) < 0) {
			if (waited_ms > PORT_WAIT_MS)
				fail("cannot open", path);
			nanosleep(&pause_time, NULL);
			waited_ms += PORT_POLL_MS;
		}
		ports[i] = fd;
	}
	/* Waits until the port is connected; before, a read looks like a host that is gone. */
	say("init");
}

/* Ends the machine when the host is gone: nobody else would. */
static void watch_host(void)
{
	char byte;

	if (fork() != 0)
		return;
	while (read(ports[CONTROL], &byte, 1) > 0)
		;
	reboot(RB_AUTOBOOT);
	_exit(0);
}

static void read_orders(void)
{
	const char *folder = getenv("SENDZC_RUN_FOLDER");
	char path[4096];
	ssize_t n;
	int fd;

	snprintf(path, sizeof(path), "%s/orders", folder ? folder : "");
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		fail("cannot open", path);
	while ((n = read(fd, orders + orders_bytes, sizeof(orders) - 1 - orders_bytes)) > 0)
		orders_bytes += n;
	if (n < 0 || orders_bytes == 0 || orders_bytes == sizeof(orders) - 1 || orders[orders_bytes - 1])
		fail("cannot read", path);
	close(fd);
}

/* Steps through the orders: the next word, or NULL at the end. */
static char *next_word(char **at)
{
	char *word = *at;

	if (word >= orders + orders_bytes)
		return NULL;
	*at = word + strlen(word) + 1;
	return word;
}

static char *need_word(char **at)
{
	char *word = next_word(at);

	errno = EINVAL;
	if (!word)
		fail("the orders are", "incomplete");
	return word;
}

static void mount_system(void)
{
	attach("proc", "proc", "/proc", MS_NOSUID | MS_NODEV | MS_NOEXEC, NULL);
	attach("sysfs", "sysfs", "/sys", MS_NOSUID | MS_NODEV | MS_NOEXEC, NULL);
	make_folder(OWN);
	attach("tmpfs", "sendzc", OWN, 0, "mode=0755");
	make_folder("/dev/pts");
	make_folder("/dev/shm");
	attach("devpts", "devpts", "/dev/pts", 0, "gid=5,mode=620,ptmxmode=666");
	attach("tmpfs", "tmpfs", "/dev/shm", 0, "mode=1777");
	/* In the debug kernel only. */
	mount("debugfs", "/sys/kernel/debug", "debugfs", 0, NULL);
	if (symlink("/proc/self/fd", "/dev/fd") || symlink("fd/0", "/dev/stdin") ||
	    symlink("fd/1", "/dev/stdout") || symlink("fd/2", "/dev/stderr"))
		fail("cannot link", "/dev/fd");
}

static void held_path(char *out, size_t size, const char *folder)
{
	if (snprintf(out, size, HELD "%s", folder) >= (int)size)
		fail("too long a path:", folder);
}

/* Covers a folder with memory, unless the host has none or it is a link to another. */
static void cover(const char *path, const char *options)
{
	struct stat status;

	if (lstat(path, &status) == 0 && S_ISDIR(status.st_mode))
		attach("tmpfs", "tmpfs", path, 0, options);
}

/* Writes into the checkout stay in memory. */
static void overlay_checkout(const char *checkout)
{
	char options[8192];

	make_folder(OWN "/upper");
	make_folder(OWN "/work");
	snprintf(options, sizeof(options), "lowerdir=" HELD "%s,upperdir=" OWN "/upper,workdir=" OWN "/work", checkout);
	attach("overlay", "overlay", checkout, 0, options);
}

/* Tells the kernel something through one of its files. */
static void write_setting(const char *path, const char *name, const char *value)
{
	int fd = open(path, O_WRONLY | O_TRUNC | O_CLOEXEC);

	if (fd < 0)
		fail("this kernel has no", name);
	if (write(fd, value, strlen(value)) != (ssize_t)strlen(value))
		fail("the kernel refuses the value of", name);
	close(fd);
}

static void set_sysctl(const char *name, const char *value)
{
	char path[1024];

	snprintf(path, sizeof(path), "/proc/sys/%s", name);
	for (char *at = path + strlen("/proc/sys/"); *at; at++)
		if (*at == '.')
			*at = '/';
	write_setting(path, name, value);
}

static void raise_loopback(void)
{
	struct ifreq request = { .ifr_name = "lo", .ifr_flags = IFF_UP | IFF_RUNNING };
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	if (fd < 0 || ioctl(fd, SIOCSIFFLAGS, &request))
		fail("cannot raise", "lo");
	close(fd);
}

/* Runs `program -batch file`, in a network namespace when one is named. */
static void run_ip(const char *namespace, const char *file)
{
	int status = 0;
	pid_t pid = fork();

	if (pid == 0) {
		if (*namespace)
			execlp("ip", "ip", "-n", namespace, "-batch", file, NULL);
		else
			execlp("ip", "ip", "-batch", file, NULL);
		_exit(127);
	}
	if (pid < 0 || waitpid(pid, &status, 0) != pid || status) {
		errno = status ? EIO : errno;
		fail("ip cannot do", file);
	}
}

static void raise_limit(int resource, rlim_t value)
{
	const struct rlimit limit = { .rlim_cur = value, .rlim_max = value };

	if (setrlimit(resource, &limit))
		fail("cannot set", "a resource limit");
}

/*
 * One order; those that lay folders over others are given in the order in
 * which they must happen.
 */
static void obey(const char *order, char **at)
{
	char path[4096];

	if (!strcmp(order, "hold")) {
		/* What lies below a folder that is covered later must stay reachable. */
		char *folder = need_word(at);

		held_path(path, sizeof(path), folder);
		bind_folder(folder, path);
	} else if (!strcmp(order, "cover")) {
		char *folder = need_word(at);

		cover(folder, need_word(at));
	} else if (!strcmp(order, "show")) {
		char *folder = need_word(at);

		held_path(path, sizeof(path), folder);
		bind_folder(path, folder);
	} else if (!strcmp(order, "checkout")) {
		overlay_checkout(need_word(at));
	} else if (!strcmp(order, "folder")) {
		make_folder(need_word(at));
	} else if (!strcmp(order, "output")) {
		char *folder = need_word(at);

		make_folder(folder);
		attach("9p", "output", folder, 0, SHARE_OPTIONS ",cache=none");
	} else if (!strcmp(order, "ip")) {
		char *namespace = need_word(at);

		run_ip(namespace, need_word(at));
	} else if (!strcmp(order, "sysctl")) {
		char *name = need_word(at);

		set_sysctl(name, need_word(at));
	} else if (!strcmp(order, "processor")) {
		char *file = need_word(at);

		write_setting(file, file, "1");
	} else if (!strcmp(order, "environment")) {
		char *name = need_word(at);

		setenv(name, need_word(at), 1);
	} else if (!strcmp(order, "enter")) {
		char *folder = need_word(at);

		if (chdir(folder))
			fail("cannot enter", folder);
	} else if (!strcmp(order, "mark")) {
		end_mark = need_word(at);
	} else if (!strcmp(order, "argument")) {
		char *word = need_word(at);

		errno = E2BIG;
		if (argument_count == ARGUMENTS_MAX)
			fail("the command has", "too many arguments");
		arguments[argument_count++] = word;
	} else {
		errno = EINVAL;
		fail("unknown order", order);
	}
}

/*
 * Passes what the command writes into a pipe on to a port, so that the command
 * has an ordinary pipe; the mark says that nothing follows. The relay keeps no
 * end of another relay's pipe open.
 */
static int start_relay(int port, int other_pipe)
{
	static char bytes[65536];
	int ends[2];
	ssize_t n;
	pid_t pid;

	if (pipe2(ends, O_CLOEXEC))
		fail("cannot make", "a pipe");
	pid = fork();
	if (pid < 0)
		fail("cannot start", "a relay");
	if (pid > 0) {
		close(ends[0]);
		return ends[1];
	}
	close(ends[1]);
	if (other_pipe >= 0)
		close(other_pipe);
	while ((n = read(ends[0], bytes, sizeof(bytes))) > 0 || (n < 0 && errno == EINTR))
		if (n > 0)
			write_all(port, bytes, n);
	write_all(port, end_mark, strlen(end_mark));
	_exit(0);
}

static int run_command(void)
{
	int out = start_relay(ports[OUT], -1);
	int err = start_relay(ports[ERR], out);
	int status;
	pid_t pid, ended;

	say("up");
	pid = fork();
	if (pid < 0)
		fail("cannot start", arguments[0]);
	if (pid == 0) {
		/* A signal to its process group must not reach the relays. */
		setsid();
		dup2(open("/dev/null", O_RDONLY), STDIN_FILENO);
		dup2(out, STDOUT_FILENO);
		dup2(err, STDERR_FILENO);
		execvp(arguments[0], arguments);
		dprintf(STDERR_FILENO, "vm: cannot run %s: %s\n", arguments[0], strerror(errno));
		_exit(errno == ENOENT ? 127 : 126);
	}
	close(out);
	close(err);
	/* Also buries what the command left behind. */
	while ((ended = waitpid(-1, &status, 0)) != pid)
		if (ended < 0 && errno != EINTR)
			fail("cannot wait for", arguments[0]);
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

int main(void)
{
	char *at = orders;
	char *order;
	int status;

	setenv("PATH", "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", 1);
	mount_system();
	open_ports();
	watch_host();
	read_orders();
	unsetenv("SENDZC_RUN_FOLDER");
	raise_loopback();
	raise_limit(RLIMIT_MEMLOCK, RLIM_INFINITY);
	raise_limit(RLIMIT_NOFILE, 65536);
	raise_limit(RLIMIT_CORE, 0);
	while ((order = next_word(&at)))
		obey(order, &at);
	errno = EINVAL;
	if (argument_count == 0)
		fail("the orders have", "no command");
	status = run_command();
	sync();
	say("exit %d", status);
	/* The host ends the machine when it has read everything. */
	for (;;)
		wait(NULL) < 0 ? pause() : 0;
}
