// SPDX-License-Identifier: GPL-2.0
/*
 * What is refused, before anything is sent.
 */
#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <linux/io_uring.h>
#include <linux/tls.h>

#include "zc_test.h"

#ifndef TCP_ULP
#define TCP_ULP 31
#endif
#ifndef SOL_TLS
#define SOL_TLS 282
#endif

/* Refused with EINVAL, nothing sent, nothing touched, nothing lost. */
static const char *refused(const struct pair *p, struct placeholder *ph)
{
	REQUIRE(send_collect(p->tx, test_data, TEST_BYTES, MSG_ZEROCOPY,
			     ph) < 0);
	REQUIRE(errno == EINVAL);
	REQUIRE(placeholder_empty(ph));
	REQUIRE(receive_pending(p) == 0);
	return NULL;
}

static const char *wrong_lengths(const struct pair *p, enum transport t,
				 enum form form)
{
	static const int off[] = { -20, -16, -12, -8, -4, -1, 1, 4, 8, 12, 24 };
	struct ledger l = { 0 };
	struct placeholder ph;
	const char *wrong;

	REQUIRE(send_one(p, NULL));
	for (size_t i = 0; i < sizeof(off) / sizeof(off[0]); i++) {
		placeholder_init(&ph, form, 1);
		ph.cm->cmsg_len += off[i];
		ph.control_bytes = (char *)ph.cm - (char *)ph.control +
				   ((ph.cm->cmsg_len + 7) & ~7u);
		wrong = refused(p, &ph);
		if (wrong)
			return wrong;
	}
	REQUIRE(ledger_complete(&l, p->tx, 1));
	return NULL;
}

/* 8 + 12 * capacity is the true length, modulo 2^32. */
static const char *capacity_overflow(const struct pair *p, enum transport t,
				     enum form form)
{
	struct placeholder ph;

	placeholder_init(&ph, form, 1);
	ph.capacity = 1 + (1u << 30);
	ph.info->capacity = ph.capacity;
	return refused(p, &ph);
}

static const char *socket_without_zerocopy(const struct pair *p,
					   enum transport t, enum form form)
{
	struct placeholder ph;

	set_zerocopy(p->tx, 0);
	placeholder_init(&ph, form, 1);
	REQUIRE(send_collect(p->tx, test_data, TEST_BYTES, 0, &ph) < 0);
	REQUIRE(errno == EINVAL);
	REQUIRE(placeholder_empty(&ph));
	REQUIRE(receive_pending(p) == 0);
	return NULL;
}

static const char *two_placeholders(const struct pair *p, enum transport t,
				    enum form form)
{
	struct placeholder ph, second;

	placeholder_init(&ph, form, 1);
	placeholder_init(&second, FORM_ALONE, 1);
	memcpy((char *)ph.control + ph.control_bytes, second.control,
	       second.control_bytes);
	ph.control_bytes += second.control_bytes;
	return refused(p, &ph);
}

/* In the place of the control message that is ignored. */
static void put_record_type(struct placeholder *ph)
{
	struct cmsghdr *record = (struct cmsghdr *)ph->control;

	record->cmsg_level = SOL_TLS;
	record->cmsg_type = TLS_SET_RECORD_TYPE;
	*CMSG_DATA(record) = 23;
}

/* TLS ignores control messages of other levels beside its own. */
static const char *tls_socket(const struct pair *p, enum transport t,
			      enum form form)
{
	struct tls12_crypto_info_aes_gcm_128 keys = {
		.info = { TLS_1_2_VERSION, TLS_CIPHER_AES_GCM_128 },
	};
	struct placeholder ph;
	struct pair plain;

	REQUIRE(pair_open_plain(t, &plain));
	REQUIRE(!setsockopt(plain.tx, SOL_TCP, TCP_ULP, "tls", 4));
	REQUIRE(!setsockopt(plain.tx, SOL_TLS, TLS_TX, &keys, sizeof(keys)));
	placeholder_init(&ph, FORM_BESIDE, 1);
	if (form == FORM_BESIDE)
		put_record_type(&ph);
	REQUIRE(send_collect(plain.tx, test_data, TEST_BYTES, 0, &ph) < 0);
	REQUIRE(errno == EINVAL);
	REQUIRE(placeholder_empty(&ph));
	REQUIRE(receive_pending(&plain) == 0);
	pair_close(&plain);
	return NULL;
}

/* With the option, and keys, it is filled. */
static const char *tls_socket_filled(const struct pair *p, enum transport t,
				     enum form form)
{
	struct tls12_crypto_info_aes_gcm_128 keys = {
		.info = { TLS_1_2_VERSION, TLS_CIPHER_AES_GCM_128 },
	};
	struct placeholder ph;

	REQUIRE(!setsockopt(p->tx, SOL_TCP, TCP_ULP, "tls", 4));
	REQUIRE(!setsockopt(p->tx, SOL_TLS, TLS_TX, &keys, sizeof(keys)));
	placeholder_init(&ph, form, 1);
	if (form == FORM_BESIDE)
		put_record_type(&ph);
	ph.info->count = STALE_COUNT;
	REQUIRE(send_collect(p->tx, test_data, 100, 0, &ph) == 100);
	REQUIRE(placeholder_empty(&ph));
	return NULL;
}

static const char *unix_socket(const struct pair *p, enum transport t,
			       enum form form)
{
	struct placeholder ph;
	int fd[2];

	REQUIRE(!socketpair(AF_UNIX, SOCK_STREAM, 0, fd));
	placeholder_init(&ph, form, 1);
	REQUIRE(send_collect(fd[0], test_data, 1, 0, &ph) < 0);
	REQUIRE(errno == EINVAL);
	close(fd[0]);
	close(fd[1]);
	return NULL;
}

static void *ring_map(int ring, size_t bytes, off_t which)
{
	return mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, ring,
		    which);
}

/* One IORING_OP_SENDMSG; its result, or 1 when there is no io_uring. */
static int uring_sendmsg(int fd, const struct msghdr *msg)
{
	struct io_uring_params params = { 0 };
	struct io_uring_sqe *sqe;
	struct io_uring_cqe *cqe;
	char *sq, *cq;
	int ring, res;

	ring = syscall(__NR_io_uring_setup, 1, &params);
	if (ring < 0)
		return 1;
	sq = ring_map(ring, 4096, IORING_OFF_SQ_RING);
	cq = ring_map(ring, 4096, IORING_OFF_CQ_RING);
	sqe = ring_map(ring, 4096, IORING_OFF_SQES);
	die_unless(sq != MAP_FAILED && cq != MAP_FAILED && sqe != MAP_FAILED,
		   "io_uring");
	memset(sqe, 0, sizeof(*sqe));
	sqe->opcode = IORING_OP_SENDMSG;
	sqe->fd = fd;
	sqe->addr = (uintptr_t)msg;
	sqe->len = 1;
	((uint32_t *)(sq + params.sq_off.array))[0] = 0;
	__atomic_store_n((uint32_t *)(sq + params.sq_off.tail), 1,
			 __ATOMIC_RELEASE);
	die_unless(syscall(__NR_io_uring_enter, ring, 1, 1,
			   IORING_ENTER_GETEVENTS, NULL, 0) == 1,
		   "io_uring_enter");
	cqe = (struct io_uring_cqe *)(cq + params.cq_off.cqes);
	res = cqe->res;
	munmap(sqe, 4096);
	munmap(cq, 4096);
	munmap(sq, 4096);
	close(ring);
	return res;
}

static const char *io_uring_request(const struct pair *p, enum transport t,
				    enum form form)
{
	struct iovec iov = { test_data, 1 };
	struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1 };
	struct placeholder ph;

	placeholder_init(&ph, form, 1);
	msg.msg_control = ph.control;
	msg.msg_controllen = ph.control_bytes;
	REQUIRE(uring_sendmsg(p->tx, &msg) == -EINVAL);
	REQUIRE(placeholder_empty(&ph));
	return NULL;
}

const struct test refusal_tests[] = {
	{ "refused: wrong length", wrong_lengths, ON_ALL, 2 },
	{ "refused: capacity that overflows", capacity_overflow, ON_ALL, 2 },
	{ "refused: no SO_ZEROCOPY", socket_without_zerocopy, ON_ALL, 2 },
	{ "refused: two placeholders", two_placeholders, ON_ALL, 2 },
	{ "refused: TLS without SO_ZEROCOPY", tls_socket, ON_TCP, 2 },
	{ "filled: TLS with SO_ZEROCOPY", tls_socket_filled, ON_TCP, 2 },
	{ "refused: unix socket", unix_socket, ON(UDP4), 2 },
	{ "refused: io_uring request", io_uring_request, ON_ALL, 2 },
	{ 0 }
};
