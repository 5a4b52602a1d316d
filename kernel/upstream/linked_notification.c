// SPDX-License-Identifier: GPL-2.0
/*
 * Does io_uring say of a send that was joined to an earlier one that it was
 * copied although nothing was?
 *
 *	linked_notification [SENDS] [ADDRESS PORT]
 *
 * Sends over TCP with SEND_ZC and IORING_SEND_ZC_REPORT_USAGE, several small
 * ones before the receiver reads, so that most join the packet buffer of an
 * earlier one. Without an address the receiver is a thread on loopback, which
 * must keep the sender's pages (net.core.zerocopy_loopback_rx, kernel/lab);
 * with one, nothing on the way may copy. The first send of each batch begins
 * a packet buffer of its own. It says whether the way copies.
 *
 * Exit status: 0 no notification said copied, 1 some did, 2 the way copies.
 */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "ring.h"

#define BATCH		16
#define BYTES		1000

static char data[BATCH][BYTES];

static void queue_send(int fd, unsigned int tail, int i)
{
	struct io_uring_sqe *sqe = ring_next(tail);

	sqe->opcode = IORING_OP_SEND_ZC;
	sqe->fd = fd;
	sqe->addr = (uintptr_t)data[i];
	sqe->len = BYTES;
	sqe->ioprio = IORING_SEND_ZC_REPORT_USAGE;
	sqe->msg_flags = MSG_WAITALL | (i + 1 < BATCH ? MSG_MORE : 0);
	sqe->user_data = i;
}

static unsigned long copied[BATCH], notified;

/* Completions until as many notifications have come as sends were begun. */
static void reap(void)
{
	unsigned int missing = BATCH;

	while (missing) {
		struct io_uring_cqe *cqe = ring_wait();

		if (!(cqe->flags & IORING_CQE_F_NOTIF)) {
			check(cqe->res == BYTES &&
			      (cqe->flags & IORING_CQE_F_MORE), "send");
		} else {
			missing--;
			notified++;
			if (cqe->res & IORING_NOTIF_USAGE_ZC_COPIED)
				copied[cqe->user_data]++;
		}
		ring_seen();
	}
}

static void *receive(void *listener)
{
	static char sink[1 << 16];
	int fd = accept(*(int *)listener, NULL, NULL);

	while (recv(fd, sink, sizeof(sink), 0) > 0)
		;
	return NULL;
}

int main(int argc, char **argv)
{
	unsigned long sends = argc > 1 ? strtoul(argv[1], NULL, 0) : 100000;
	struct sockaddr_in a = { .sin_family = AF_INET };
	int listener = -1, fd, on = 1;
	socklen_t len = sizeof(a);
	unsigned long joined = 0;
	pthread_t thread;

	if (argc == 4) {
		a.sin_port = htons(atoi(argv[3]));
		check(inet_pton(AF_INET, argv[2], &a.sin_addr) == 1, argv[2]);
	} else {
		a.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
		listener = socket(AF_INET, SOCK_STREAM, 0);
		check(!bind(listener, (struct sockaddr *)&a, len) &&
		      !listen(listener, 1) &&
		      !getsockname(listener, (struct sockaddr *)&a, &len),
		      "listen");
		check(!pthread_create(&thread, NULL, receive, &listener),
		      "pthread_create");
	}
	fd = socket(AF_INET, SOCK_STREAM, 0);
	check(!connect(fd, (struct sockaddr *)&a, sizeof(a)), "connect");
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	ring_open();
	for (unsigned int tail = 0; notified < sends;) {
		for (int i = 0; i < BATCH; i++)
			queue_send(fd, tail++, i);
		ring_submit(BATCH);
		reap();
	}
	for (int i = 1; i < BATCH; i++)
		joined += copied[i];
	printf("%lu sends: %lu of %lu first ones said copied, %lu of %lu joined ones\n",
	       notified, copied[0], notified / BATCH, joined,
	       notified - notified / BATCH);
	if (copied[0] == notified / BATCH)
		return 2;
	return joined || copied[0];
}
