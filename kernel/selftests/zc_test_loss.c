// SPDX-License-Identifier: GPL-2.0
/*
 * A notification is not lost with a send that fails, nor with memory that
 * can't be written to.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <pthread.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

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
		n = send_collect(p->tx, test_data, TEST_BYTES,
				 MSG_ZEROCOPY | MSG_DONTWAIT, &ph);
		if (n >= 0) {
			sends++;
			ledger_add_info(&l, ph.info);
		}
		REQUIRE(sends < LEDGER_IDS);
	} while (n >= 0);
	/* ENOBUFS: there was room for the data, but not for its notification. */
	REQUIRE(errno == EAGAIN || errno == ENOBUFS);
	REQUIRE(placeholder_untouched(&ph));

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
	REQUIRE(!send_one(p, &ph));
	REQUIRE(errno == EPIPE);
	REQUIRE(placeholder_untouched(&ph));
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
	REQUIRE(send_collect(p->tx, large, sizeof(large), MSG_ZEROCOPY, &ph) < 0);
	REQUIRE(errno == EMSGSIZE);
	REQUIRE(placeholder_untouched(&ph));
	REQUIRE(ledger_complete(&l, p->tx, 1));
	return NULL;
}

/* Two pages; the second one may only be read. */
static char *half_writable(size_t page_bytes)
{
	char *m = mmap(NULL, 2 * page_bytes, PROT_READ | PROT_WRITE,
		       MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	die_unless(m != MAP_FAILED, "mmap");
	return m;
}

/*
 * Puts @ph so that @writable_bytes of its struct zc_info can be written to,
 * and sends. The number of bytes sent.
 */
static ssize_t send_into(const struct pair *p, struct placeholder *ph,
			 char *pages, size_t page_bytes, size_t writable_bytes,
			 struct zc_info **info)
{
	struct iovec iov = { test_data, TEST_BYTES };
	struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1 };
	ssize_t n;

	*info = (struct zc_info *)(pages + page_bytes - writable_bytes);
	if (ph->form == FORM_CMSG) {
		msg.msg_control = (char *)*info - CMSG_LEN(0);
		memcpy(msg.msg_control, ph->control, ph->control_bytes);
	} else {
		memcpy(*info, ph->info, sizeof(**info) +
		       ph->capacity * sizeof((*info)->arr[0]));
		placeholder_point(ph, (uintptr_t)*info);
		msg.msg_control = ph->control;
	}
	msg.msg_controllen = ph->control_bytes;
	die_unless(!mprotect(pages + page_bytes, page_bytes, PROT_READ),
		   "mprotect");
	n = sendmsg(p->tx, &msg, MSG_ZEROCOPY);
	die_unless(!mprotect(pages + page_bytes, page_bytes,
			     PROT_READ | PROT_WRITE), "mprotect");
	if (n > 0)
		receive_sent(p, n);
	return n;
}

/* Nothing, the size, half an element, one element of two are writable. */
static const char *memory_read_only(const struct pair *p, enum transport t,
				    enum form form)
{
	static const size_t writable[] = { 0, 4, 8, 16 };
	size_t page_bytes = sysconf(_SC_PAGESIZE);
	char *pages = half_writable(page_bytes);
	struct ledger l = { 0 };
	struct placeholder ph;
	struct zc_info *info;
	uint32_t sends = 0;

	for (size_t i = 0; i < sizeof(writable) / sizeof(writable[0]); i++) {
		REQUIRE(send_one(p, NULL));
		REQUIRE(error_queue_wait(p->tx, 1000));
		placeholder_init(&ph, form, 2);
		REQUIRE(send_into(p, &ph, pages, page_bytes, writable[i],
				  &info) == TEST_BYTES);
		sends += 2;
		if (writable[i] == 16) {
			/* One notification fits in what can be written. */
			ledger_add_info(&l, info);
			REQUIRE(info->size == 1);
			break;
		}
		if (writable[i])
			REQUIRE(info->size == 0);
		else
			REQUIRE(info->size == ph.info->size &&
				info->arr[0].zerocopy == UNTOUCHED_ZEROCOPY);
	}
	REQUIRE(ledger_complete(&l, p->tx, sends));
	munmap(pages, 2 * page_bytes);
	return NULL;
}

static const char *wild_pointer(const struct pair *p, enum transport t,
				enum form form)
{
	static const uint64_t wild[] = { 0, 4096, 0xfffffffffffff000 };
	struct ledger l = { 0 };
	struct placeholder ph;

	placeholder_init(&ph, FORM_POINTER, 1);
	for (size_t i = 0; i < sizeof(wild) / sizeof(wild[0]); i++) {
		placeholder_point(&ph, wild[i]);
		REQUIRE(send_one(p, &ph));
	}
	REQUIRE(ledger_complete(&l, p->tx, 3));
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
	struct placeholder ph;
	struct queue_entry e;

	REQUIRE(queue_separate(p, 2));
	placeholder_init(&ph, FORM_POINTER, 8);
	placeholder_point(&ph, 4096);
	REQUIRE(send_collect(p->tx, test_data, 1, 0, &ph) == 1);
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
	struct placeholder ph;

	placeholder_init(&ph, FORM_POINTER, ZC_INFO_CAPACITY_MAX);
	placeholder_point(&ph, 4096);
	for (int i = 0; i < THREAD_FAULTS; i++)
		if (send_collect(p->tx, test_data, 1, 0, &ph) != 1)
			return opaque;
	return NULL;
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
	{ "nothing lost: wild pointer", wild_pointer, ON_ALL, 1 },
	{ "nothing lost: order after a fault", order_after_fault, ON_UDP, 1 },
	{ "nothing lost: threads fault at once", threads_fault_at_once, ON_UDP, 1 },
	{ "unreadable control data", unreadable_control, ON_ALL, 1 },
	{ 0 }
};
