// SPDX-License-Identifier: GPL-2.0
/*
 * What a send costs that has nothing to do with notifications: on sockets
 * without SO_ZEROCOPY, before and after another socket has set it, and on one
 * that has set it. To be run on a kernel without patches/ and on one with
 * them, in a machine whose clock counts instructions, and right after boot:
 * the first SO_ZEROCOPY leaves its mark until the next.
 */
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "zc_socket.h"
#include "zc_uapi.h"

/* Sends that are timed together; the receiver's buffer holds as many. */
#define BATCH_SENDS	32
#define BATCHES		400
#define SEND_BYTES	64

enum call { SENDTO, SENDMSG, SENDMSG_CONTROL, CALLS };

/* Which socket has SO_ZEROCOPY set. */
enum state { NOBODY, OTHER, OWN, STATES };

static double ns[TRANSPORTS][CALLS][STATES];

static const char * const call_names[CALLS] = {
	"send", "sendmsg", "sendmsg with a control message",
};

static long now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1000000000L + ts.tv_nsec;
}

static int by_value(const void *a, const void *b)
{
	long x = *(const long *)a, y = *(const long *)b;

	return (x > y) - (x < y);
}

/* The type that both TCP and UDP take, which sets nothing. */
static size_t put_control(void *to)
{
	struct cmsghdr *cm = to;
	__u32 none = 0;

	cm->cmsg_level = SOL_SOCKET;
	cm->cmsg_type = SO_TIMESTAMPING;
	cm->cmsg_len = CMSG_LEN(sizeof(none));
	memcpy(CMSG_DATA(cm), &none, sizeof(none));
	return CMSG_SPACE(sizeof(none));
}

static void drain(const struct pair *p)
{
	char sink[BATCH_SENDS * SEND_BYTES];
	ssize_t left = sizeof(sink), n;

	while (left) {
		n = recv(p->rx, sink, sizeof(sink), 0);
		die_unless(n > 0, "recv");
		left -= n;
	}
}

/* Nanoseconds of one send, the median of the batches. */
static double measure(enum transport t, enum call call, bool own)
{
	char data[SEND_BYTES] = { 0 };
	struct iovec iov = { data, sizeof(data) };
	struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1 };
	__u64 control[8] = { 0 };
	long batch[BATCHES];
	struct pair p;
	int on = 1;

	die_unless(pair_open_plain(t, &p), "no loopback transport");
	if (own)
		set_zerocopy(p.tx, 1);
	/* Else what a send costs depends on when the last was acknowledged. */
	if (p.stream)
		die_unless(!setsockopt(p.tx, IPPROTO_TCP, TCP_NODELAY, &on,
				       sizeof(on)), "TCP_NODELAY");
	if (call == SENDMSG_CONTROL) {
		msg.msg_control = control;
		msg.msg_controllen = put_control(control);
	}
	for (int i = 0; i < BATCHES; i++) {
		long start = now_ns();

		for (int j = 0; j < BATCH_SENDS; j++) {
			ssize_t n = call == SENDTO ?
				    send(p.tx, data, sizeof(data), 0) :
				    sendmsg(p.tx, &msg, 0);

			die_unless(n == sizeof(data), call_names[call]);
		}
		batch[i] = now_ns() - start;
		drain(&p);
	}
	pair_close(&p);
	qsort(batch, BATCHES, sizeof(batch[0]), by_value);
	return (double)batch[BATCHES / 2] / BATCH_SENDS;
}

static void measure_all(enum state state)
{
	for (unsigned int t = TCP4; t <= UDP6; t++)
		for (unsigned int call = 0; call < CALLS; call++)
			ns[t][call][state] = measure(t, call, state == OWN);
}

int main(void)
{
	int other;

	measure_all(NOBODY);
	other = socket(AF_INET, SOCK_DGRAM, 0);
	die_unless(other >= 0, "socket");
	set_zerocopy(other, 1);
	measure_all(OTHER);
	measure_all(OWN);
	close(other);

	printf("%-5s%-29s%12s%12s%12s  SO_ZEROCOPY; ns of a send\n", "", "",
	       "on none", "on another", "on this one");
	for (unsigned int t = TCP4; t <= UDP6; t++)
		for (unsigned int call = 0; call < CALLS; call++)
			printf("%-5s%-29s%12.1f%12.1f%12.1f\n",
			       transport_name(t), call_names[call],
			       ns[t][call][NOBODY], ns[t][call][OTHER],
			       ns[t][call][OWN]);
	return 0;
}
