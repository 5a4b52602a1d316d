/*
 * What this program says to the host, and that it ends with it.
 *
 * Control channel, lines from here: "init", "up", "fail <reason>",
 * "exit <status>". The host says nothing and closes it when it is gone, which
 * ends the guest.
 */
#ifndef GUEST_HOST_CHANNEL_H
#define GUEST_HOST_CHANNEL_H

#include <stddef.h>

/* Two carry the command's output. */
enum port { CONTROL, OUT, ERR, PORTS };

/* Waits for the ports and greets the host. */
void open_ports(void);

/* Ends the machine when the host is gone: no other process would. */
void watch_host(void);

/* Says a line to the host, or to the console before there is a channel. */
void say(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* Says why the guest cannot go on, by errno, and lets the host end it. */
_Noreturn void fail(const char *what, const char *which);

/* Gives up when no reader takes the bytes: then the host is gone. */
void write_to_port(enum port port, const char *bytes, size_t size);

#endif
