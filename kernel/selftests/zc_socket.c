// SPDX-License-Identifier: GPL-2.0
#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include <linux/vm_sockets.h>

#include "zc_socket.h"
#include "zc_uapi.h"

union address {
	struct sockaddr sa;
	struct sockaddr_in in;
	struct sockaddr_in6 in6;
	struct sockaddr_vm vm;
};

void die(const char *what)
{
	fprintf(stderr, "%s: %s\n", what, errno ? strerror(errno) : "failed");
	exit(1);
}

void die_unless(bool ok, const char *what)
{
	if (!ok)
		die(what);
}

const char *transport_name(enum transport t)
{
	static const char * const names[TRANSPORTS] = {
		"tcp4", "tcp6", "udp4", "udp6", "vsock",
	};

	return names[t];
}

bool transport_is_stream(enum transport t)
{
	return t != UDP4 && t != UDP6;
}

static socklen_t loopback_address(enum transport t, union address *a)
{
	memset(a, 0, sizeof(*a));
	switch (t) {
	case TCP4:
	case UDP4:
		a->in.sin_family = AF_INET;
		a->in.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
		return sizeof(a->in);
	case TCP6:
	case UDP6:
		a->in6.sin6_family = AF_INET6;
		a->in6.sin6_addr = in6addr_loopback;
		return sizeof(a->in6);
	default:
		a->vm.svm_family = AF_VSOCK;
		a->vm.svm_cid = VMADDR_CID_LOCAL;
		a->vm.svm_port = VMADDR_PORT_ANY;
		return sizeof(a->vm);
	}
}

void set_zerocopy(int fd, int on)
{
	die_unless(!setsockopt(fd, SOL_SOCKET, SO_ZEROCOPY, &on, sizeof(on)),
		   "SO_ZEROCOPY");
}

static bool open_connected(enum transport t, struct pair *p, bool zerocopy)
{
	int type = transport_is_stream(t) ? SOCK_STREAM : SOCK_DGRAM;
	union address a;
	socklen_t len = loopback_address(t, &a);
	int listener;

	listener = socket(a.sa.sa_family, type, 0);
	if (listener < 0 && t == VSOCK)
		return false;
	die_unless(listener >= 0, "socket");
	p->tx = socket(a.sa.sa_family, type, 0);
	die_unless(p->tx >= 0, "socket");
	die_unless(!bind(listener, &a.sa, len), "bind");
	die_unless(!getsockname(listener, &a.sa, &len), "getsockname");
	if (t == VSOCK)
		a.vm.svm_cid = VMADDR_CID_LOCAL;

	/* vsock takes it only before it is connected. */
	if (zerocopy)
		set_zerocopy(p->tx, 1);
	p->stream = type == SOCK_STREAM;
	if (!p->stream) {
		die_unless(!connect(p->tx, &a.sa, len), "connect");
		p->rx = listener;
		return true;
	}

	die_unless(!listen(listener, 1), "listen");
	if (connect(p->tx, &a.sa, len)) {
		die_unless(t == VSOCK, "connect");
		close(listener);
		close(p->tx);
		return false;
	}
	p->rx = accept(listener, NULL, NULL);
	die_unless(p->rx >= 0, "accept");
	close(listener);
	return true;
}

bool pair_open(enum transport t, struct pair *p)
{
	return open_connected(t, p, true);
}

bool pair_open_plain(enum transport t, struct pair *p)
{
	return open_connected(t, p, false);
}

void pair_close(struct pair *p)
{
	close(p->tx);
	close(p->rx);
}
