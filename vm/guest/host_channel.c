#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/reboot.h>
#include <time.h>
#include <unistd.h>

#include "host_channel.h"

/* The ports appear after their driver has spoken with the host. */
#define PORT_WAIT_MS 60000
#define PORT_POLL_MS 2

static int ports[PORTS] = { -1, -1, -1 };

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

void write_to_port(enum port port, const char *bytes, size_t size)
{
	write_all(ports[port], bytes, size);
}

void say(const char *format, ...)
{
	char line[1024];
	va_list list;

	va_start(list, format);
	vsnprintf(line, sizeof(line) - 1, format, list);
	va_end(list);
	strcat(line, "\n");
	write_all(ports[CONTROL] >= 0 ? ports[CONTROL] : STDERR_FILENO, line, strlen(line));
}

_Noreturn void fail(const char *what, const char *which)
{
	say("fail in the guest: %s %s: %s", what, which, strerror(errno));
	/* The host ends the machine once it has read the line. */
	if (ports[CONTROL] < 0)
		reboot(RB_AUTOBOOT);
	for (;;)
		pause();
}

void open_ports(void)
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

void watch_host(void)
{
	char byte;

	if (fork() != 0)
		return;
	while (read(ports[CONTROL], &byte, 1) > 0)
		;
	reboot(RB_AUTOBOOT);
	_exit(0);
}
