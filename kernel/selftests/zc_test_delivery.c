// SPDX-License-Identifier: GPL-2.0
/*
 * Every notification arrives once, however it is collected.
 */
#define _GNU_SOURCE
#include <netinet/in.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "zc_test.h"

#define SENDS		300
#define THREADS		2
#define THREAD_SENDS	2000

static const char *each_id_once(const struct pair *p, enum transport t,
				enum form form)
{
	struct ledger l = { 0 };
	struct placeholder ph;

	placeholder_init(&ph, form, 4);
	for (int i = 0; i < SENDS; i++) {
		REQUIRE(send_one(p, &ph));
		REQUIRE(ph.info->count <= 4);
		ledger_add_info(&l, ph.info);
	}
	REQUIRE(l.notified > SENDS / 2);
	REQUIRE(ledger_complete(&l, p->tx, SENDS));
	return NULL;
}

static const char *hybrid_each_id_once(const struct pair *p, enum transport t,
				       enum form form)
{
	struct ledger l = { 0 };
	struct placeholder ph;

	placeholder_init(&ph, form, 1);
	for (int i = 0; i < SENDS; i++) {
		REQUIRE(send_one(p, i % 3 ? NULL : &ph));
		if (i % 3 == 0)
			ledger_add_info(&l, ph.info);
		else if (i % 3 == 1)
			ledger_add_queue(&l, p->tx);
	}
	REQUIRE(ledger_complete(&l, p->tx, SENDS));
	return NULL;
}

/* Loopback copies a datagram, and so is done with it, while it is sent. */
static const char *reports_the_very_call(const struct pair *p,
					 enum transport t, enum form form)
{
	struct placeholder ph;

	placeholder_init(&ph, form, 1);
	for (unsigned int i = 0; i < 3; i++) {
		REQUIRE(send_one(p, &ph));
		REQUIRE(ph.info->count == 1);
		REQUIRE(ph.info->elem[0].lo == i && ph.info->elem[0].hi == i);
		REQUIRE(ph.info->elem[0].flags == ZC_INFO_COPIED);
		REQUIRE(!memcmp(ph.info->elem[0].reserved, "\0\0\0", 3));
	}
	REQUIRE(!error_queue_wait(p->tx, 0));
	return NULL;
}

static const char *reports_earlier_sends(const struct pair *p,
					 enum transport t, enum form form)
{
	struct placeholder ph;

	placeholder_init(&ph, form, 2);
	for (int i = 0; i < 9; i++)
		REQUIRE(send_one(p, NULL));
	REQUIRE(send_one(p, &ph));
	REQUIRE(ph.info->count == 1);
	REQUIRE(ph.info->elem[0].lo == 0 && ph.info->elem[0].hi == 9);
	return NULL;
}

/* Data that the kernel was to copy from the start has no notification. */
static const char *collects_without_the_flag(const struct pair *p,
					     enum transport t, enum form form)
{
	struct placeholder ph;

	REQUIRE(send_one(p, NULL));
	REQUIRE(error_queue_wait(p->tx, 1000));
	placeholder_init(&ph, form, 1);
	REQUIRE(send_collect(p->tx, test_data, 1, 0, &ph) == 1);
	REQUIRE(ph.info->count == 1);
	REQUIRE(ph.info->elem[0].lo == 0 && ph.info->elem[0].hi == 0);
	return NULL;
}

static const char *each_message_of_sendmmsg(const struct pair *p,
					    enum transport t, enum form form)
{
	enum { MESSAGES = 4 };
	struct iovec iov = { test_data, sizeof(test_data) };
	struct mmsghdr mmsg[MESSAGES] = { 0 };
	struct placeholder ph[MESSAGES];
	struct ledger l = { 0 };

	for (int i = 0; i < MESSAGES; i++) {
		placeholder_init(&ph[i], form, 1);
		mmsg[i].msg_hdr.msg_iov = &iov;
		mmsg[i].msg_hdr.msg_iovlen = 1;
		if (i == 1)
			continue;
		mmsg[i].msg_hdr.msg_control = ph[i].control;
		mmsg[i].msg_hdr.msg_controllen = ph[i].control_bytes;
	}
	REQUIRE(sendmmsg(p->tx, mmsg, MESSAGES, MSG_ZEROCOPY) == MESSAGES);
	REQUIRE(placeholder_empty(&ph[1]));
	for (int i = 0; i < MESSAGES; i++)
		if (i != 1)
			ledger_add_info(&l, ph[i].info);
	REQUIRE(receive_sent(p, MESSAGES * TEST_BYTES));
	REQUIRE(ledger_complete(&l, p->tx, MESSAGES));
	return NULL;
}

static size_t put_hop_limit(void *to, enum transport t, int hops)
{
	struct cmsghdr *cm = to;

	cm->cmsg_level = t == UDP4 ? SOL_IP : SOL_IPV6;
	cm->cmsg_type = t == UDP4 ? IP_TTL : IPV6_HOPLIMIT;
	cm->cmsg_len = CMSG_LEN(sizeof(hops));
	memcpy(CMSG_DATA(cm), &hops, sizeof(hops));
	return CMSG_SPACE(sizeof(hops));
}

static int receive_hop_limit(int fd)
{
	uint64_t control[8];
	char byte;
	struct iovec iov = { &byte, 1 };
	struct msghdr msg = {
		.msg_iov = &iov, .msg_iovlen = 1,
		.msg_control = control, .msg_controllen = sizeof(control),
	};
	struct cmsghdr *cm;
	int hops = -1;

	if (recvmsg(fd, &msg, 0) < 0)
		return -1;
	cm = CMSG_FIRSTHDR(&msg);
	if (cm)
		memcpy(&hops, CMSG_DATA(cm), sizeof(hops));
	return hops;
}

/* The placeholder first, in the middle, last, and not at all. */
static const char *other_control_messages_stay(const struct pair *p,
					       enum transport t, enum form form)
{
	int level = t == UDP4 ? SOL_IP : SOL_IPV6, on = 1;
	int option = t == UDP4 ? IP_RECVTTL : IPV6_RECVHOPLIMIT;
	struct iovec iov = { test_data, sizeof(test_data) };
	struct placeholder ph;

	REQUIRE(!setsockopt(p->rx, level, option, &on, sizeof(on)));
	for (int place = 0; place < 4; place++) {
		uint64_t control[32] = { 0 };
		struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1 };
		char *to = (char *)control, *at = NULL;

		placeholder_init(&ph, form, 1);
		/* Of two hop limits, the latter one counts. */
		for (int i = 0; i < 3; i++) {
			if (i == place) {
				at = to;
				memcpy(to, ph.control, ph.control_bytes);
				to += ph.control_bytes;
			} else {
				to += put_hop_limit(to, t,
						    10 * (place + 1) + i);
			}
		}
		msg.msg_control = control;
		msg.msg_controllen = to - (char *)control;
		REQUIRE(sendmsg(p->tx, &msg, MSG_ZEROCOPY) == TEST_BYTES);
		REQUIRE(receive_hop_limit(p->rx) ==
			10 * (place + 1) + (place == 2 ? 1 : 2));
		if (!at)
			continue;
		at += (char *)ph.info - (char *)ph.control;
		ph.info = (struct zc_info *)at;
		REQUIRE(ph.info->count == 1);
		REQUIRE((int)ph.info->elem[0].lo == place);
		REQUIRE(msg.msg_controllen == (size_t)(to - (char *)control));
	}
	return NULL;
}

struct thread_arg {
	const struct pair *p;
	enum form form;
	struct ledger *ledger;
	bool ok;
};

static void *send_and_collect(void *opaque)
{
	struct thread_arg *arg = opaque;
	struct placeholder ph;

	placeholder_init(&ph, arg->form, 2);
	for (int i = 0; i < THREAD_SENDS; i++) {
		if (!send_one(arg->p, &ph)) {
			arg->ok = false;
			return NULL;
		}
		ledger_add_info(arg->ledger, ph.info);
		if (i % 16 == 0)
			ledger_add_queue(arg->ledger, arg->p->tx);
	}
	return NULL;
}

static const char *threads_collect_at_once(const struct pair *p,
					   enum transport t, enum form form)
{
	struct ledger *l = calloc(1, sizeof(*l));
	struct thread_arg arg = { p, form, l, true };
	pthread_t thread[THREADS];
	bool complete;

	for (int i = 0; i < THREADS; i++)
		REQUIRE(!pthread_create(&thread[i], NULL, send_and_collect,
					&arg));
	for (int i = 0; i < THREADS; i++)
		REQUIRE(!pthread_join(thread[i], NULL));
	REQUIRE(arg.ok);
	complete = ledger_complete(l, p->tx, THREADS * THREAD_SENDS);
	free(l);
	REQUIRE(complete);
	return NULL;
}

const struct test delivery_tests[] = {
	{ "each id once", each_id_once, ON_ALL, 2 },
	{ "hybrid: each id once", hybrid_each_id_once, ON_ALL, 2 },
	{ "reports the very call", reports_the_very_call, ON_UDP, 2 },
	{ "reports earlier sends", reports_earlier_sends, ON_UDP, 2 },
	{ "collects without MSG_ZEROCOPY", collects_without_the_flag,
	  ON_ALL, 2 },
	{ "each message of sendmmsg", each_message_of_sendmmsg, ON_ALL, 2 },
	{ "other control messages stay", other_control_messages_stay,
	  ON_UDP, 2 },
	{ "threads collect at once", threads_collect_at_once, ON_ALL, 2 },
	{ 0 }
};
