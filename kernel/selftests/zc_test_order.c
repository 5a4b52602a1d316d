// SPDX-License-Identifier: GPL-2.0
/*
 * Notifications that come out of order, and with different outcomes.
 */
#include <stdio.h>
#include <unistd.h>

#include "zc_hold.h"
#include "zc_test.h"

/* Option memory, in bytes; the former value. */
static int set_option_memory(int bytes)
{
	FILE *f = fopen("/proc/sys/net/core/optmem_max", "r+");
	int before = 0;

	die_unless(f && fscanf(f, "%d", &before) == 1, "optmem_max");
	rewind(f);
	fprintf(f, "%d", bytes);
	die_unless(!fclose(f), "optmem_max");
	return before;
}

static bool queue_is(const struct pair *p, const struct queue_entry *want,
		     size_t entries)
{
	struct queue_entry e;

	for (size_t i = 0; i < entries; i++)
		if (!error_queue_read(p->tx, &e) || e.info != want[i].info ||
		    e.data != want[i].data || e.code != want[i].code)
			return false;
	return !error_queue_read(p->tx, &e);
}

/* Consecutive ids of different outcomes stay apart, of the same are joined. */
static const char *outcomes_stay_apart(const struct pair *p, enum transport t,
				       enum form form)
{
	static const struct queue_entry want[] = {
		{ .info = 0, .data = 1 },
		{ .info = 2, .data = 3, .code = SO_EE_CODE_ZEROCOPY_COPIED },
		{ .info = 4, .data = 4 },
	};
	int hold;

	hold = hold_open(0);
	REQUIRE(send_held(p->tx, 0, NULL, 0) && send_held(p->tx, 0, NULL, 0));
	close(hold);
	REQUIRE(send_one(p, NULL) && send_one(p, NULL));
	hold = hold_open(0);
	REQUIRE(send_held(p->tx, 0, NULL, 0));
	close(hold);
	REQUIRE(error_queue_wait(p->tx, 1000));
	REQUIRE(queue_is(p, want, sizeof(want) / sizeof(want[0])));
	return NULL;
}

/* The flag is that of each range. */
static const char *outcomes_are_told(const struct pair *p, enum transport t,
				     enum form form)
{
	struct placeholder ph;
	int hold = hold_open(0);

	REQUIRE(send_held(p->tx, 0, NULL, 0) && send_held(p->tx, 0, NULL, 0));
	close(hold);
	placeholder_init(&ph, form, 4);
	REQUIRE(send_one(p, &ph));
	REQUIRE(ph.info->count == 2);
	REQUIRE(ph.info->elem[0].lo == 0 && ph.info->elem[0].hi == 1);
	REQUIRE(ph.info->elem[0].flags == 0);
	REQUIRE(ph.info->elem[1].lo == 2 && ph.info->elem[1].hi == 2);
	REQUIRE(ph.info->elem[1].flags == ZC_INFO_COPIED);
	return NULL;
}

/* The queue is 2, 1, 0, of one outcome, and 3 of another: two elements. */
static const char *neighbours_are_joined(const struct pair *p,
					 enum transport t, enum form form)
{
	struct placeholder ph;
	int hold[3];

	for (int i = 0; i < 3; i++) {
		hold[i] = hold_open(i);
		REQUIRE(send_held(p->tx, i, NULL, 0));
	}
	for (int i = 2; i >= 0; i--)
		close(hold[i]);
	placeholder_init(&ph, form, 2);
	REQUIRE(send_one(p, &ph));
	REQUIRE(ph.info->count == 2);
	REQUIRE(ph.info->elem[0].lo == 0 && ph.info->elem[0].hi == 2);
	REQUIRE(ph.info->elem[1].lo == 3 && ph.info->elem[1].hi == 3);
	REQUIRE(!error_queue_wait(p->tx, 0));
	return NULL;
}

/* Ids that are not consecutive are not. */
static const char *gaps_stay(const struct pair *p, enum transport t,
			     enum form form)
{
	struct placeholder ph;
	int hold[3];

	for (int i = 0; i < 3; i++) {
		hold[i] = hold_open(i);
		REQUIRE(send_held(p->tx, i, NULL, 0));
	}
	close(hold[2]);
	close(hold[0]);
	placeholder_init(&ph, form, 4);
	REQUIRE(send_collect(p->tx, test_data, 1, 0, &ph) == 1);
	REQUIRE(ph.info->count == 2);
	REQUIRE(ph.info->elem[0].lo == 2 && ph.info->elem[0].hi == 2);
	REQUIRE(ph.info->elem[1].lo == 0 && ph.info->elem[1].hi == 0);
	close(hold[1]);
	REQUIRE(send_collect(p->tx, test_data, 1, 0, &ph) == 1);
	REQUIRE(ph.info->count == 1);
	REQUIRE(ph.info->elem[0].lo == 1 && ph.info->elem[0].hi == 1);
	return NULL;
}

/*
 * More room than one call uses is accepted, and the rest stays. Every other
 * datagram is held, so that none of the notifications is joined.
 */
static const char *larger_takes_a_part(const struct pair *p, enum transport t,
				       enum form form)
{
	enum { PAIRS = ZC_TAKE_MAX + 10 };
	int hold = hold_open(0), bytes = 1 << 20;
	int before = set_option_memory(bytes);
	struct ledger l = { 0 };
	struct placeholder ph;
	bool ok;

	ok = !setsockopt(p->tx, SOL_SOCKET, SO_SNDBUFFORCE, &bytes,
			 sizeof(bytes));
	for (int i = 0; ok && i < PAIRS; i++)
		ok = send_held(p->tx, 0, NULL, 0) && send_one(p, NULL);
	placeholder_init(&ph, form, CAPACITY_MAX);
	ok = ok && send_collect(p->tx, test_data, 1, 0, &ph) == 1;
	set_option_memory(before);
	REQUIRE(ok);
	REQUIRE(ph.info->count == ZC_TAKE_MAX);
	ledger_add_info(&l, ph.info);
	REQUIRE(error_queue_wait(p->tx, 0));
	close(hold);
	REQUIRE(ledger_complete(&l, p->tx, 2 * PAIRS));
	return NULL;
}

/* What was joined to another one takes no memory any more. */
static const char *joined_are_freed(const struct pair *p, enum transport t,
				    enum form form)
{
	enum { HELD = 10, ROUNDS = 4 };
	int before = set_option_memory(HELD * 1200);
	struct placeholder ph;
	bool ok = true;

	placeholder_init(&ph, form, 1);
	for (int round = 0; ok && round < ROUNDS; round++) {
		int hold[HELD];

		for (int i = 0; i < HELD; i++) {
			hold[i] = hold_open(i);
			ok = ok && send_held(p->tx, i, NULL, 0);
		}
		for (int i = HELD - 1; i >= 0; i--)
			close(hold[i]);
		ok = ok && send_collect(p->tx, test_data, 1, 0, &ph) == 1 &&
		     ph.info->count == 1 &&
		     ph.info->elem[0].hi - ph.info->elem[0].lo == HELD - 1;
	}
	set_option_memory(before);
	REQUIRE(ok);
	return NULL;
}

const struct test order_tests[] = {
	{ "order: outcomes stay apart", outcomes_stay_apart, ON(UDP4), 1 },
	{ "order: outcomes are told", outcomes_are_told, ON(UDP4), 2 },
	{ "order: neighbours are joined", neighbours_are_joined, ON(UDP4), 2 },
	{ "order: gaps stay", gaps_stay, ON(UDP4), 2 },
	{ "order: joined are freed", joined_are_freed, ON(UDP4), 1 },
	{ "larger: takes a part", larger_takes_a_part, ON(UDP4), 2 },
	{ 0 }
};
