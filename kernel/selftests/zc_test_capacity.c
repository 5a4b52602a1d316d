// SPDX-License-Identifier: GPL-2.0
/*
 * How many notifications a placeholder has room for.
 */
#include <sys/socket.h>
#include <linux/net_tstamp.h>

#include "zc_test.h"

bool transmit_timestamps(int fd, int on)
{
	int flags = on ? SOF_TIMESTAMPING_TX_SOFTWARE |
			 SOF_TIMESTAMPING_SOFTWARE |
			 SOF_TIMESTAMPING_OPT_TSONLY |
			 SOF_TIMESTAMPING_OPT_ID : 0;

	return !setsockopt(fd, SOL_SOCKET, SO_TIMESTAMPING, &flags,
			   sizeof(flags));
}

bool queue_separate(const struct pair *p, int sends)
{
	bool ok = transmit_timestamps(p->tx, 1);

	while (ok && sends--)
		ok = send_one(p, NULL);
	return ok && transmit_timestamps(p->tx, 0);
}

static const char *full_leaves_the_rest(const struct pair *p, enum transport t,
					enum form form)
{
	static const struct { uint8_t origin; uint32_t data; } left[] = {
		{ SO_EE_ORIGIN_TIMESTAMPING, 0 },
		{ SO_EE_ORIGIN_TIMESTAMPING, 1 },
		{ SO_EE_ORIGIN_TIMESTAMPING, 2 },
		{ SO_EE_ORIGIN_ZEROCOPY, 2 },
		{ SO_EE_ORIGIN_TIMESTAMPING, 3 },
		{ SO_EE_ORIGIN_ZEROCOPY, 4 },	/* 3, and 4 joined to it */
	};
	struct queue_entry e;
	struct placeholder ph;

	REQUIRE(queue_separate(p, 4));
	placeholder_init(&ph, form, 2);
	REQUIRE(send_one(p, &ph));
	REQUIRE(ph.info->count == 2);
	REQUIRE(ph.info->elem[0].lo == 0 && ph.info->elem[0].hi == 0);
	REQUIRE(ph.info->elem[1].lo == 1 && ph.info->elem[1].hi == 1);

	REQUIRE(error_queue_wait(p->tx, 0));
	for (size_t i = 0; i < sizeof(left) / sizeof(left[0]); i++) {
		REQUIRE(error_queue_read(p->tx, &e));
		REQUIRE(e.origin == left[i].origin);
		REQUIRE(e.data == left[i].data);
	}
	REQUIRE(!error_queue_read(p->tx, &e));
	return NULL;
}

static const char *large_takes_all(const struct pair *p, enum transport t,
				   enum form form)
{
	enum { SENDS = ZC_TAKE_MAX };
	struct ledger l = { 0 };
	struct placeholder ph;

	REQUIRE(queue_separate(p, SENDS));
	placeholder_init(&ph, form, ZC_TAKE_MAX);
	REQUIRE(send_one(p, &ph));
	/* A last entry of two ids: the call's own is joined to it. */
	REQUIRE(ph.info->count == ZC_TAKE_MAX);
	ledger_add_info(&l, ph.info);
	REQUIRE(l.notified == SENDS + 1);
	REQUIRE(ledger_complete(&l, p->tx, SENDS + 1));
	return NULL;
}

/* Behind 256 other entries none is found, until these are read. */
static const char *scan_is_bounded(const struct pair *p, enum transport t,
				   enum form form)
{
	struct queue_entry e;
	struct placeholder ph;
	int bytes = 1 << 20;

	/* The default does not hold that many entries. */
	REQUIRE(!setsockopt(p->tx, SOL_SOCKET, SO_RCVBUFFORCE, &bytes,
			    sizeof(bytes)));
	REQUIRE(transmit_timestamps(p->tx, 1));
	for (int i = 0; i < ZC_SCAN_MAX; i++) {
		REQUIRE(send(p->tx, test_data, 1, 0) == 1);
		receive_pending(p);
	}
	REQUIRE(transmit_timestamps(p->tx, 0));
	placeholder_init(&ph, form, 1);
	REQUIRE(send_one(p, &ph));
	REQUIRE(ph.info->count == 0);

	REQUIRE(error_queue_read(p->tx, &e));
	REQUIRE(e.origin == SO_EE_ORIGIN_TIMESTAMPING);
	REQUIRE(send_one(p, &ph));
	REQUIRE(ph.info->count == 1);
	return NULL;
}

static const char *none_collects_nothing(const struct pair *p,
					 enum transport t, enum form form)
{
	struct ledger l = { 0 };
	struct placeholder ph;

	placeholder_init(&ph, form, 0);
	for (int i = 0; i < 3; i++) {
		REQUIRE(send_one(p, &ph));
		REQUIRE(ph.info->count == 0);
		REQUIRE(ph.info->elem[0].flags == UNTOUCHED_FLAGS);
	}
	REQUIRE(ledger_complete(&l, p->tx, 3));
	return NULL;
}

static const char *empty_queue_fills_nothing(const struct pair *p,
					     enum transport t, enum form form)
{
	struct placeholder ph;

	placeholder_init(&ph, form, 8);
	REQUIRE(send_collect(p->tx, test_data, 1, 0, &ph) == 1);
	REQUIRE(ph.info->count == 0);
	REQUIRE(ph.info->elem[0].flags == UNTOUCHED_FLAGS);
	return NULL;
}

const struct test capacity_tests[] = {
	{ "full: the rest stays, in order", full_leaves_the_rest, ON_UDP, 2 },
	{ "large: takes all", large_takes_all, ON_UDP, 2 },
	{ "work is bounded", scan_is_bounded, ON_UDP, 2 },
	{ "room for none", none_collects_nothing, ON_ALL, 2 },
	{ "nothing to collect", empty_queue_fills_nothing, ON_ALL, 2 },
	{ 0 }
};
