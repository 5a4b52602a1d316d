/* SPDX-License-Identifier: GPL-2.0 */
/* A ring without liburing, for the programs beside this file. */
#ifndef RING_H
#define RING_H

#include <linux/io_uring.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#define ENTRIES		64

static struct {
	int fd;
	struct io_uring_params params;
	char *sq, *cq;
	struct io_uring_sqe *sqes;
} ring;

static void check(int ok, const char *what)
{
	if (ok)
		return;
	perror(what);
	exit(3);
}

static void *map(size_t bytes, off_t which)
{
	void *p = mmap(NULL, bytes, PROT_READ | PROT_WRITE,
		       MAP_SHARED | MAP_POPULATE, ring.fd, which);

	check(p != MAP_FAILED, "mmap");
	return p;
}

static void ring_open(void)
{
	ring.fd = syscall(__NR_io_uring_setup, ENTRIES, &ring.params);
	check(ring.fd >= 0, "io_uring_setup");
	ring.sq = map(ring.params.sq_off.array + ENTRIES * 4, IORING_OFF_SQ_RING);
	ring.cq = map(ring.params.cq_off.cqes + ring.params.cq_entries *
		      sizeof(struct io_uring_cqe), IORING_OFF_CQ_RING);
	ring.sqes = map(ENTRIES * sizeof(struct io_uring_sqe), IORING_OFF_SQES);
}

/* The next entry, empty; it counts with the next ring_submit(). */
static struct io_uring_sqe *ring_next(unsigned int tail)
{
	unsigned int at = tail & (ENTRIES - 1);

	memset(&ring.sqes[at], 0, sizeof(ring.sqes[at]));
	((uint32_t *)(ring.sq + ring.params.sq_off.array))[at] = at;
	__atomic_store_n((uint32_t *)(ring.sq + ring.params.sq_off.tail),
			 tail + 1, __ATOMIC_RELEASE);
	return &ring.sqes[at];
}

static void ring_submit(unsigned int count)
{
	check(syscall(__NR_io_uring_enter, ring.fd, count, 0, 0, NULL, 0) ==
	      (long)count, "io_uring_enter");
}

/* The oldest completion, which is the caller's until ring_seen(). */
static struct io_uring_cqe *ring_wait(void)
{
	uint32_t *head = (uint32_t *)(ring.cq + ring.params.cq_off.head);
	uint32_t *tail = (uint32_t *)(ring.cq + ring.params.cq_off.tail);
	uint32_t mask = *(uint32_t *)(ring.cq + ring.params.cq_off.ring_mask);
	struct io_uring_cqe *cqes =
		(struct io_uring_cqe *)(ring.cq + ring.params.cq_off.cqes);

	while (*head == __atomic_load_n(tail, __ATOMIC_ACQUIRE))
		check(syscall(__NR_io_uring_enter, ring.fd, 0, 1,
			      IORING_ENTER_GETEVENTS, NULL, 0) >= 0,
		      "io_uring_enter");
	return &cqes[*head & mask];
}

static void ring_seen(void)
{
	uint32_t *head = (uint32_t *)(ring.cq + ring.params.cq_off.head);

	__atomic_store_n(head, *head + 1, __ATOMIC_RELEASE);
}

#endif /* RING_H */
