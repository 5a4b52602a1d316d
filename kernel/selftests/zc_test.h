/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the tests have in common. Each gets a fresh pair of sockets and
 * returns NULL, or what did not hold.
 */
#ifndef ZC_TEST_H
#define ZC_TEST_H

#include <stdbool.h>

#include "zc_collect.h"
#include "zc_socket.h"

typedef const char *(*test_fn)(const struct pair *p, enum transport t,
			       enum form form);

#define ON(t)		(1u << (t))
#define ON_UDP		(ON(UDP4) | ON(UDP6))
#define ON_TCP		(ON(TCP4) | ON(TCP6))
#define ON_INET		(ON_UDP | ON_TCP)
#define ON_STREAM	(ON_TCP | ON(VSOCK))
#define ON_ALL		(ON_INET | ON(VSOCK))

struct test {
	const char *name;
	test_fn run;
	unsigned int transports;
	unsigned int forms;	/* 1: only alone, 2: also beside another */
};

#define TEST_STRING2(x)	#x
#define TEST_STRING(x)	TEST_STRING2(x)
#define REQUIRE(cond)							\
	do {								\
		if (!(cond))						\
			return __FILE__ ":" TEST_STRING(__LINE__) ": " #cond; \
	} while (0)

/* Each table ends with an entry without a name. */
extern const struct test delivery_tests[];
extern const struct test capacity_tests[];
extern const struct test refusal_tests[];
extern const struct test loss_tests[];
extern const struct test queue_tests[];
extern const struct test memory_tests[];
extern const struct test order_tests[];
extern const struct test wake_tests[];

#define TEST_BYTES	4096
extern char test_data[TEST_BYTES];

/* Reads what has arrived, without waiting; the number of bytes. */
size_t receive_pending(const struct pair *p);

/*
 * Reads @bytes, waiting for them on a stream, or what has arrived of datagrams.
 * On vsock that is also what releases the memory: it does not copy on loopback.
 */
bool receive_sent(const struct pair *p, size_t bytes);

/*
 * Sends TEST_BYTES with MSG_ZEROCOPY and reads as many at the other end,
 * waiting for them on a stream: a sender that waits for a receiver that waits
 * for nobody would be stuck.
 */
bool send_one(const struct pair *p, struct placeholder *ph);

/*
 * Only datagrams. With a timestamp between them, notifications of consecutive
 * sends are not joined. The error queue is t0 z0 t1 z1 ... afterwards.
 */
bool queue_separate(const struct pair *p, int sends);
bool transmit_timestamps(int fd, int on);

#endif /* ZC_TEST_H */
