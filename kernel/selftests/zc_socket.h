/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Pairs of connected sockets for each transport that knows MSG_ZEROCOPY.
 */
#ifndef ZC_SOCKET_H
#define ZC_SOCKET_H

#include <stdbool.h>

enum transport {
	TCP4,
	TCP6,
	UDP4,
	UDP6,
	VSOCK,
	TRANSPORTS,
};

/* Sends on @tx arrive at @rx; @tx has SO_ZEROCOPY set. */
struct pair {
	int tx;
	int rx;
	bool stream;
};

const char *transport_name(enum transport t);
bool transport_is_stream(enum transport t);

/* Exits when the machine can't do it, except for VSOCK: false then. */
bool pair_open(enum transport t, struct pair *p);
/* Without SO_ZEROCOPY. */
bool pair_open_plain(enum transport t, struct pair *p);
void pair_close(struct pair *p);

void set_zerocopy(int fd, int on);

/* Both exit with a message and errno, or without the latter when it is 0. */
void die(const char *what);
void die_unless(bool ok, const char *what);

#endif /* ZC_SOCKET_H */
