/*
 * First program of the guest. Its root is the host's root over 9p, read-only;
 * what programs expect to write to is laid over it in memory. A static program
 * rather than a script, because under emulation each program that is started
 * over 9p costs a tenth of a second or more.
 *
 * It is told what to do by the file "orders" in the run folder: words, each
 * ended by a NUL; the first word of an order decides how many follow it.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "command.h"
#include "filesystem.h"
#include "host_channel.h"
#include "settings.h"

#define ORDERS_MAX_BYTES (1 << 20)

static char orders[ORDERS_MAX_BYTES];
static size_t orders_bytes;

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

/*
 * One order; those that lay folders over others are given in the order in
 * which they must happen.
 */
static void obey(const char *order, char **at)
{
	if (!strcmp(order, "hold")) {
		hold_folder(need_word(at));
	} else if (!strcmp(order, "cover")) {
		char *folder = need_word(at);

		cover_folder(folder, need_word(at));
	} else if (!strcmp(order, "show")) {
		show_folder(need_word(at));
	} else if (!strcmp(order, "checkout")) {
		overlay_checkout(need_word(at));
	} else if (!strcmp(order, "folder")) {
		make_folder(need_word(at));
	} else if (!strcmp(order, "output")) {
		mount_output(need_word(at));
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
		set_end_mark(need_word(at));
	} else if (!strcmp(order, "argument")) {
		add_argument(need_word(at));
	} else {
		errno = EINVAL;
		fail("unknown order", order);
	}
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
	status = run_command();
	sync();
	say("exit %d", status);
	/* The host ends the machine when it has read everything. */
	for (;;)
		wait(NULL) < 0 ? pause() : 0;
}
