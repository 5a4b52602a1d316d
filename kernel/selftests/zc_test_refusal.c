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
#include <linux/io_uring.h>

#include "zc_test.h"

/* Refused with EINVAL, nothing sent, nothing touched, nothing lost. */
static const char *refused(const struct pair *p, struct placeholder *ph)
{
	REQUIRE(send_collect(p->tx, test_data, TEST_BYTES, MSG_ZEROCOPY, ph) < 0);
	REQUIRE(errno == EINVAL);
	REQUIRE(placeholder_untouched(ph));
	REQUIRE(receive_pending(p) == 0);
	return NULL;
}

static const char *wrong_lengths(const struct pair *p, enum transport t,
				 enum form form)
{
	static const int off[] = { -16, -12, -8, -4, -1, 1, 4, 8, 12, 24 };
	struct ledger l = { 0 };
	struct placeholder ph;
	const char *wrong;

	REQUIRE(send_one(p, NULL));
	for (size_t i = 0; i < sizeof(off) / sizeof(off[0]); i++) {
		struct cmsghdr *cm = (struct cmsghdr *)ph.control;

		placeholder_init(&ph, form, 1);
		cm->cmsg_len += off[i];
		ph.control_bytes = (cm->cmsg_len + 7) & ~7u;
		wrong = refused(p, &ph);
		if (wrong)
			return wrong;
	}
	REQUIRE(ledger_complete(&l, p->tx, 1));
	return NULL;
}

static const char *capacity_limit(const struct pair *p, enum transport t,
				  enum form form)
{
	struct placeholder ph;
	const char *wrong;

	placeholder_init(&ph, form, ZC_INFO_CAPACITY_MAX + 1);
	wrong = refused(p, &ph);
	if (wrong)
		return wrong;
	placeholder_init(&ph, form, ZC_INFO_CAPACITY_MAX);
	REQUIRE(send_one(p, &ph));
	return NULL;
}

/* 4 + 12 * size is the true length, modulo 2^32. */
static const char *capacity_overflow(const struct pair *p, enum transport t,
				     enum form form)
{
	struct placeholder ph;

	placeholder_init(&ph, form, 1);
	ph.capacity = 1 + (1u << 30);
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
	REQUIRE(placeholder_untouched(&ph));
	REQUIRE(receive_pending(p) == 0);
	return NULL;
}

static const char *two_placeholders(const struct pair *p, enum transport t,
				    enum form form)
{
	struct placeholder ph, second;

	placeholder_init(&ph, form, 1);
	placeholder_init(&second, FORM_POINTER, 1);
	memcpy((char *)ph.control + ph.control_bytes, second.control,
	       second.control_bytes);
	ph.control_bytes += second.control_bytes;
	return refused(p, &ph);
}

static const char *unaligned_pointer(const struct pair *p, enum transport t,
				     enum form form)
{
	struct placeholder ph;

	placeholder_init(&ph, FORM_POINTER, 1);
	placeholder_point(&ph, (uintptr_t)ph.info + 1);
	return refused(p, &ph);
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
	REQUIRE(placeholder_untouched(&ph));
	return NULL;
}

const struct test refusal_tests[] = {
	{ "refused: wrong length", wrong_lengths, ON_ALL, 2 },
	{ "refused: capacity over the limit", capacity_limit, ON_ALL, 2 },
	{ "refused: capacity that overflows", capacity_overflow, ON_ALL, 1 },
	{ "refused: no SO_ZEROCOPY", socket_without_zerocopy, ON_ALL, 2 },
	{ "refused: two placeholders", two_placeholders, ON_ALL, 2 },
	{ "refused: unaligned pointer", unaligned_pointer, ON_ALL, 1 },
	{ "refused: unix socket", unix_socket, ON(UDP4), 2 },
	{ "refused: io_uring request", io_uring_request, ON_ALL, 2 },
	{ 0 }
};
