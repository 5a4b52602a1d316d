// SPDX-License-Identifier: GPL-2.0
/*
 * A notification is not lost with a send that fails, nor with memory that
 * can't be written to.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <pthread.h>
#include <sys/socket.h>

#include "zc_test.h"

static const char *would_block(const struct pair *p, enum transport t,
			       enum form form)
{
	struct ledger l = { 0 };
	struct placeholder ph;
	uint32_t sends = 0;
	ssize_t n;

	placeholder_init(&ph, form, 1);
	do {
		/* As it may be left by the call before. */
		ph.info->count = STALE_COUNT;
		ph.info->elem[0].flags = UNTOUCHED_FLAGS;
		n = send_collect(p->tx, test_data, TEST_BYTES,
				 MSG_ZEROCOPY | MSG_DONTWAIT, &ph);
		if (n >= 0) {
			sends++;
			ledger_add_info(&l, ph.info);
		}
		REQUIRE(sends < LEDGER_IDS);
	} while (n >= 0);
	/* ENOBUFS: there was room for the data, not for its notification. */
	if (errno == ENOBUFS)
		ledger_add_info(&l, ph.info);
	else
		REQUIRE(errno == EAGAIN && placeholder_empty(&ph));

	while (receive_pending(p))
		;
	REQUIRE(ledger_complete(&l, p->tx, sends));
	return NULL;
}

static const char *broken_pipe(const struct pair *p, enum transport t,
			       enum form form)
{
	struct ledger l = { 0 };
	struct placeholder ph;

	for (int i = 0; i < 5; i++)
		REQUIRE(send_one(p, NULL));
	REQUIRE(error_queue_wait(p->tx, 1000));
	REQUIRE(!shutdown(p->tx, SHUT_WR));
	placeholder_init(&ph, form, 4);
	ph.info->count = STALE_COUNT;
	REQUIRE(!send_one(p, &ph));
	REQUIRE(errno == EPIPE);
	REQUIRE(placeholder_empty(&ph));
	REQUIRE(ledger_complete(&l, p->tx, 5));
	return NULL;
}

static const char *message_too_long(const struct pair *p, enum transport t,
				    enum form form)
{
	static char large[70000];
	struct ledger l = { 0 };
	struct placeholder ph;

	REQUIRE(send_one(p, NULL));
	placeholder_init(&ph, form, 1);
	ph.info->count = STALE_COUNT;
	REQUIRE(send_collect(p->tx, large, sizeof(large), MSG_ZEROCOPY,
			     &ph) < 0);
	REQUIRE(errno == EMSGSIZE);
	REQUIRE(placeholder_empty(&ph));
	REQUIRE(ledger_complete(&l, p->tx, 1));
	return NULL;
}

/*
 * Nothing and only the capacity are writable: refused. The count, half an
 * element, one element of two: sent, and what does not fit is not lost.
 */
static const char *memory_read_only(const struct pair *p, enum transport t,
				    enum form form)
{
	static const size_t writable[] = { 0, 4, 8, 14, 20 };
	struct ledger l = { 0 };
	struct unwritable u;
	uint32_t sends = 0;
	ssize_t n;

	for (size_t i = 0; i < sizeof(writable) / sizeof(writable[0]); i++) {
		REQUIRE(send_one(p, NULL));
		sends++;
		REQUIRE(error_queue_wait(p->tx, 1000));
		unwritable_init(&u, form, 2, writable[i]);
		n = send_unwritable(p->tx, test_data, TEST_BYTES, MSG_ZEROCOPY,
				    &u);
		if (writable[i] < sizeof(struct zc_info)) {
			REQUIRE(n < 0 && errno == EFAULT);
			REQUIRE(receive_pending(p) == 0);
			REQUIRE(u.info->count == STALE_COUNT);
		} else {
			REQUIRE(n == TEST_BYTES && receive_sent(p, n));
			sends++;
			/* One notification fits in 20 bytes. */
			REQUIRE(u.info->count == (writable[i] == 20));
			ledger_add_info(&l, u.info);
		}
		unwritable_free(&u);
	}
	REQUIRE(ledger_complete(&l, p->tx, sends));
	return NULL;
}

/* What is put back becomes the oldest entries, in the order it had. */
static const char *order_after_fault(const struct pair *p, enum transport t,
				     enum form form)
{
	static const struct { uint8_t origin; uint32_t data; } order[] = {
		{ SO_EE_ORIGIN_ZEROCOPY, 0 },
		{ SO_EE_ORIGIN_ZEROCOPY, 1 },
		{ SO_EE_ORIGIN_TIMESTAMPING, 0 },
		{ SO_EE_ORIGIN_TIMESTAMPING, 1 },
	};
	struct queue_entry e;
	struct unwritable u;

	REQUIRE(queue_separate(p, 2));
	unwritable_init(&u, form, 8, sizeof(struct zc_info));
	REQUIRE(send_unwritable(p->tx, test_data, 1, 0, &u) == 1);
	REQUIRE(u.info->count == 0);
	unwritable_free(&u);
	for (size_t i = 0; i < sizeof(order) / sizeof(order[0]); i++) {
		REQUIRE(error_queue_read(p->tx, &e));
		REQUIRE(e.origin == order[i].origin);
		REQUIRE(e.data == order[i].data);
	}
	REQUIRE(!error_queue_read(p->tx, &e));
	return NULL;
}

#define THREADS			2
#define THREAD_FAULTS		2000
#define SEPARATE_NOTIFICATIONS	100

static void *fault_again(void *opaque)
{
	const struct pair *p = opaque;
	bool ok = true;
	struct unwritable u;

	unwritable_init(&u, FORM_ALONE, ZC_TAKE_MAX, sizeof(struct zc_info));
	for (int i = 0; ok && i < THREAD_FAULTS; i++)
		ok = send_unwritable(p->tx, test_data, 1, 0, &u) == 1;
	unwritable_free(&u);
	return ok ? NULL : opaque;
}

/* A long queue, so that the walks along it overlap. */
static const char *threads_fault_at_once(const struct pair *p,
					 enum transport t, enum form form)
{
	pthread_t thread[THREADS];
	struct ledger l = { 0 };
	int bytes = 1 << 20;
	bool ok = true;
	void *failed;

	REQUIRE(!setsockopt(p->tx, SOL_SOCKET, SO_RCVBUFFORCE, &bytes,
			    sizeof(bytes)));
	REQUIRE(queue_separate(p, SEPARATE_NOTIFICATIONS));
	for (int i = 0; i < THREADS; i++)
		REQUIRE(!pthread_create(&thread[i], NULL, fault_again,
					(void *)p));
	for (int i = 0; i < THREADS; i++) {
		REQUIRE(!pthread_join(thread[i], &failed));
		ok = ok && !failed;
	}
	REQUIRE(ok);
	REQUIRE(ledger_complete(&l, p->tx, SEPARATE_NOTIFICATIONS));
	return NULL;
}

/* Where the control data itself can't be read, nothing is sent. */
static const char *unreadable_control(const struct pair *p, enum transport t,
				      enum form form)
{
	struct iovec iov = { test_data, TEST_BYTES };
	struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1 };

	msg.msg_control = (void *)4096;
	msg.msg_controllen = CMSG_SPACE(16);
	REQUIRE(sendmsg(p->tx, &msg, MSG_ZEROCOPY) < 0 && errno == EFAULT);
	REQUIRE(receive_pending(p) == 0);
	return NULL;
}

const struct test loss_tests[] = {
	{ "nothing lost: no room", would_block, ON_TCP, 2 },
	{ "nothing lost: EPIPE", broken_pipe, ON_STREAM, 2 },
	{ "nothing lost: EMSGSIZE", message_too_long, ON_UDP, 2 },
	{ "nothing lost: memory read-only", memory_read_only, ON_ALL, 2 },
	{ "nothing lost: order after a fault", order_after_fault, ON_UDP, 2 },
	{ "nothing lost: threads fault at once", threads_fault_at_once,
	  ON_UDP, 1 },
	{ "unreadable control data", unreadable_control, ON_ALL, 1 },
	{ 0 }
};
