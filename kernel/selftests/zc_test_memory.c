// SPDX-License-Identifier: GPL-2.0
/*
 * A sender that is out of option memory, which notifications that nobody
 * collects use up: sends with MSG_ZEROCOPY fail with ENOBUFS.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <sys/socket.h>

#include "zc_test.h"

#define SENDS_MAX	5000

/*
 * Sends until there is no memory for another notification, with a timestamp
 * behind each so that none are joined. The number of sends, 0 if that did not
 * come to pass.
 */
static uint32_t exhaust(const struct pair *p)
{
	int bytes = 8 << 20;
	uint32_t sends = 0;

	if (setsockopt(p->tx, SOL_SOCKET, SO_RCVBUFFORCE, &bytes,
		       sizeof(bytes)) || !transmit_timestamps(p->tx, 1))
		return 0;
	while (sends < SENDS_MAX && send_one(p, NULL))
		sends++;
	return sends < SENDS_MAX && errno == ENOBUFS ? sends : 0;
}

static const char *collects_without_memory(const struct pair *p,
					   enum transport t, enum form form)
{
	struct ledger l = { 0 };
	struct placeholder ph;
	uint32_t sends = exhaust(p);

	REQUIRE(sends && transmit_timestamps(p->tx, 0));
	placeholder_init(&ph, form, 16);
	ph.info->count = STALE_COUNT;
	REQUIRE(!send_one(p, &ph));
	REQUIRE(errno == ENOBUFS);
	REQUIRE(ph.info->count == 16);
	ledger_add_info(&l, ph.info);
	/* What was taken is free already. */
	REQUIRE(send_one(p, &ph));
	REQUIRE(ph.info->count == 16);
	ledger_add_info(&l, ph.info);
	REQUIRE(ledger_complete(&l, p->tx, sends + 1));
	return NULL;
}

/* The way out of a caller who does not look at the answer of a failed call. */
static const char *copying_send_collects(const struct pair *p,
					 enum transport t, enum form form)
{
	struct ledger l = { 0 };
	struct placeholder ph;
	uint32_t sends = exhaust(p);

	REQUIRE(sends && transmit_timestamps(p->tx, 0));
	placeholder_init(&ph, form, ZC_TAKE_MAX);
	REQUIRE(send_collect(p->tx, test_data, 1, 0, &ph) == 1);
	REQUIRE(ph.info->count == ZC_TAKE_MAX);
	ledger_add_info(&l, ph.info);
	REQUIRE(ledger_complete(&l, p->tx, sends));
	return NULL;
}

/*
 * sendmmsg() tells the error of its first message only. The answer of a later
 * one that fails would be overlooked, and lost when the message is sent again.
 */
static const char *later_message_collects_nothing(const struct pair *p,
						  enum transport t,
						  enum form form)
{
	struct iovec iov = { test_data, sizeof(test_data) };
	struct mmsghdr mmsg[2] = { 0 };
	struct ledger l = { 0 };
	struct queue_entry e;
	struct placeholder ph;
	uint32_t sends = exhaust(p);

	/* Room for one: the timestamp, and the notification behind it. */
	REQUIRE(sends && error_queue_read(p->tx, &e));
	while (e.origin != SO_EE_ORIGIN_ZEROCOPY)
		REQUIRE(error_queue_read(p->tx, &e));
	ledger_add(&l, e.info, e.data, false);

	placeholder_init(&ph, form, 16);
	for (int i = 0; i < 2; i++) {
		mmsg[i].msg_hdr.msg_iov = &iov;
		mmsg[i].msg_hdr.msg_iovlen = 1;
	}
	mmsg[1].msg_hdr.msg_control = ph.control;
	mmsg[1].msg_hdr.msg_controllen = ph.control_bytes;
	REQUIRE(sendmmsg(p->tx, mmsg, 2, MSG_ZEROCOPY) == 1);
	REQUIRE(placeholder_empty(&ph));
	REQUIRE(sendmmsg(p->tx, mmsg + 1, 1, MSG_ZEROCOPY) < 0);
	REQUIRE(errno == ENOBUFS && ph.info->count == 16);
	ledger_add_info(&l, ph.info);
	receive_pending(p);
	REQUIRE(ledger_complete(&l, p->tx, sends + 1));
	return NULL;
}

const struct test memory_tests[] = {
	{ "out of memory: collects", collects_without_memory, ON_UDP, 1 },
	{ "out of memory: a copying send collects", copying_send_collects,
	  ON_UDP, 1 },
	{ "out of memory: not a later message", later_message_collects_nothing,
	  ON_UDP, 1 },
	{ 0 }
};
