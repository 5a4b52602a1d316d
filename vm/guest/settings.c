#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "host_channel.h"
#include "settings.h"

void write_setting(const char *path, const char *name, const char *value)
{
	int fd = open(path, O_WRONLY | O_TRUNC | O_CLOEXEC);

	if (fd < 0)
		fail("this kernel has no", name);
	if (write(fd, value, strlen(value)) != (ssize_t)strlen(value))
		fail("the kernel refuses the value of", name);
	close(fd);
}

void set_sysctl(const char *name, const char *value)
{
	char path[1024];

	snprintf(path, sizeof(path), "/proc/sys/%s", name);
	for (char *at = path + strlen("/proc/sys/"); *at; at++)
		if (*at == '.')
			*at = '/';
	write_setting(path, name, value);
}

void raise_loopback(void)
{
	struct ifreq request = { .ifr_name = "lo", .ifr_flags = IFF_UP | IFF_RUNNING };
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	if (fd < 0 || ioctl(fd, SIOCSIFFLAGS, &request))
		fail("cannot raise", "lo");
	close(fd);
}

void run_ip(const char *namespace, const char *file)
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

void raise_limit(int resource, rlim_t value)
{
	const struct rlimit limit = { .rlim_cur = value, .rlim_max = value };

	if (setrlimit(resource, &limit))
		fail("cannot set", "a resource limit");
}
