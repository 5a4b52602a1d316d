// SPDX-License-Identifier: GPL-2.0
/*
 * SEND_ZC of io_uring: one io_uring_enter() for each send, which returns with
 * its result. Notifications are read from the ring, without a call.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <linux/io_uring.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "zc_socket.h"
#include "zc_throughput.h"

#ifndef IORING_SETUP_SINGLE_ISSUER
#define IORING_SETUP_SINGLE_ISSUER	(1U << 12)
#define IORING_SETUP_DEFER_TASKRUN	(1U << 13)
#endif
#ifndef IORING_CQE_F_NOTIF
#define IORING_CQE_F_NOTIF		(1U << 3)
#endif

#define SQ_ENTRIES	8
#define CQ_ENTRIES	4096	/* as many notifications may be outstanding */

static int ring_fd;
static uint32_t *sq_tail, *cq_head, *cq_tail;
static uint32_t sq_mask, cq_mask;
static uint32_t *sq_array;
static struct io_uring_sqe *sqes;
static struct io_uring_cqe *cqes;
static int last_result;

static char *ring_map(size_t bytes, off_t which)
{
	void *p = mmap(NULL, bytes, PROT_READ | PROT_WRITE,
		       MAP_SHARED | MAP_POPULATE, ring_fd, which);

	die_unless(p != MAP_FAILED, "mmap");
	return p;
}

void uring_open(void)
{
	struct io_uring_params params = {
		.flags = IORING_SETUP_SINGLE_ISSUER |
			 IORING_SETUP_DEFER_TASKRUN | IORING_SETUP_CQSIZE,
		.cq_entries = CQ_ENTRIES,
	};
	char *sq, *cq;

	ring_fd = syscall(__NR_io_uring_setup, SQ_ENTRIES, &params);
	die_unless(ring_fd >= 0, "io_uring_setup");
	sq = ring_map(params.sq_off.array + params.sq_entries * 4,
		      IORING_OFF_SQ_RING);
	cq = ring_map(params.cq_off.cqes + params.cq_entries * sizeof(*cqes),
		      IORING_OFF_CQ_RING);
	sqes = (void *)ring_map(params.sq_entries * sizeof(*sqes),
				IORING_OFF_SQES);
	sq_tail = (uint32_t *)(sq + params.sq_off.tail);
	sq_mask = *(uint32_t *)(sq + params.sq_off.ring_mask);
	sq_array = (uint32_t *)(sq + params.sq_off.array);
	cq_head = (uint32_t *)(cq + params.cq_off.head);
	cq_tail = (uint32_t *)(cq + params.cq_off.tail);
	cq_mask = *(uint32_t *)(cq + params.cq_off.ring_mask);
	cqes = (struct io_uring_cqe *)(cq + params.cq_off.cqes);
}

/* Notifications that are in the ring; what the send returned goes aside. */
unsigned int uring_reap(void)
{
	uint32_t head = *cq_head;
	unsigned int notifications = 0;

	while (head != __atomic_load_n(cq_tail, __ATOMIC_ACQUIRE)) {
		struct io_uring_cqe *cqe = &cqes[head++ & cq_mask];

		if (cqe->flags & IORING_CQE_F_NOTIF)
			notifications++;
		else
			last_result = cqe->res;
	}
	__atomic_store_n(cq_head, head, __ATOMIC_RELEASE);
	return notifications;
}

static void enter(unsigned int submit, unsigned int wait)
{
	int n;

	do {
		n = syscall(__NR_io_uring_enter, ring_fd, submit, wait,
			    IORING_ENTER_GETEVENTS, NULL, 0);
	} while (n < 0 && errno == EINTR);
	die_unless(n >= 0, "io_uring_enter");
}

ssize_t uring_send(int fd, const void *data, size_t bytes,
		   unsigned int *notifications)
{
	uint32_t tail = *sq_tail;
	struct io_uring_sqe *sqe = &sqes[tail & sq_mask];

	memset(sqe, 0, sizeof(*sqe));
	sqe->opcode = IORING_OP_SEND_ZC;
	sqe->fd = fd;
	sqe->addr = (uintptr_t)data;
	sqe->len = bytes;
	sqe->msg_flags = MSG_DONTWAIT | MSG_NOSIGNAL;
	sq_array[tail & sq_mask] = tail & sq_mask;
	__atomic_store_n(sq_tail, tail + 1, __ATOMIC_RELEASE);

	last_result = -EINPROGRESS;
	*notifications = 0;
	for (enter(1, 1);; enter(0, 1)) {
		*notifications += uring_reap();
		if (last_result != -EINPROGRESS)
			break;
	}
	if (last_result >= 0)
		return last_result;
	errno = -last_result;
	return -1;
}

unsigned int uring_wait(void)
{
	enter(0, 1);
	return uring_reap();
}
