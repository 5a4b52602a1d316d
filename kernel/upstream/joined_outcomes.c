// SPDX-License-Identifier: GPL-2.0
/*
 * Does a zerocopy notification tell of each send that it covers what became of
 * that send? Two datagrams of one socket: one is copied, to loopback, and one
 * is not, to a neighbour that nobody answers for, on a tap device that is
 * removed. Then the same in the other order.
 *
 * Exit status: 0 each send has its own outcome, 1 one reads as the other.
 */
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

#include "../selftests/zc_collect.h"
#include "../selftests/zc_hold.h"
#include "../selftests/zc_socket.h"

static void send_copied(const struct pair *p)
{
	static char byte[1000];

	die_unless(send(p->tx, byte, sizeof(byte), MSG_ZEROCOPY) ==
		   sizeof(byte), "send");
}

static void send_shared(const struct pair *p)
{
	int hold = hold_open(0);

	die_unless(send_held(p->tx, 0, NULL, 0), "send");
	close(hold);
}

/* Which of the ids 0 and 1 the queue says were copied: bits. */
static unsigned int told(const struct pair *p)
{
	unsigned int seen = 0, copied = 0;
	struct queue_entry e;

	while (seen != 3) {
		die_unless(error_queue_wait(p->tx, 5000), "poll");
		while (error_queue_read(p->tx, &e))
			for (uint32_t id = e.info; id <= e.data && id < 2; id++) {
				seen |= 1u << id;
				if (e.code & SO_EE_CODE_ZEROCOPY_COPIED)
					copied |= 1u << id;
			}
	}
	return copied;
}

int main(void)
{
	int wrong = 0;

	for (int first = 0; first < 2; first++) {
		unsigned int copied;
		struct pair p;

		die_unless(pair_open(UDP4, &p), "udp4");
		if (first)
			send_shared(&p);
		send_copied(&p);
		if (!first)
			send_shared(&p);
		copied = told(&p);
		printf("send %d was copied; said to be copied: %s\n", first,
		       copied == 3 ? "both" : copied == 2 ? "1" :
		       copied == 1 ? "0" : "none");
		wrong |= copied != 1u << first;
		pair_close(&p);
	}
	return wrong;
}
