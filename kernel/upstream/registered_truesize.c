// SPDX-License-Identifier: GPL-2.0
/*
 * Does a send from registered memory charge the socket for more than it sends
 * where that memory lies in a huge page?
 *
 *	registered_truesize
 *
 * Registers one huge page (vm.nr_hugepages), and sends a few bytes of it over
 * a TCP connection whose sender is corked, so that they stay on the socket:
 * once from the beginning of the page, once from near its end. SO_MEMINFO says
 * what the socket is charged for.
 *
 * Exit status: 0 both are charged alike, 1 they are not, 2 no huge page.
 */
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <sys/uio.h>

#include "ring.h"

#define HUGE		(2UL << 20)
#define BYTES		1000
#define SO_MEMINFO	55	/* asm-generic/socket.h */
#define WMEM_QUEUED	5	/* SK_MEMINFO_WMEM_QUEUED, linux/sock_diag.h */
#define MEMINFO_VARS	9

static char *huge_page(void)
{
	char *p = mmap(NULL, HUGE, PROT_READ | PROT_WRITE, MAP_PRIVATE |
		       MAP_ANONYMOUS | MAP_HUGETLB, -1, 0);

	if (p == MAP_FAILED) {
		perror("MAP_HUGETLB");
		exit(2);
	}
	memset(p, 1, HUGE);
	return p;
}

/* A connection to a listener that reads nothing. */
static int corked_connection(void)
{
	struct sockaddr_in a = { .sin_family = AF_INET };
	int listener = socket(AF_INET, SOCK_STREAM, 0), on = 1;
	int fd = socket(AF_INET, SOCK_STREAM, 0);
	socklen_t len = sizeof(a);

	a.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	check(!bind(listener, (struct sockaddr *)&a, len) &&
	      !listen(listener, 1) &&
	      !getsockname(listener, (struct sockaddr *)&a, &len), "listen");
	check(!connect(fd, (struct sockaddr *)&a, len), "connect");
	check(!setsockopt(fd, IPPROTO_TCP, TCP_CORK, &on, sizeof(on)),
	      "TCP_CORK");
	return fd;
}

static unsigned int charged_for(unsigned int tail, const char *from)
{
	uint32_t info[MEMINFO_VARS] = {};
	socklen_t len = sizeof(info);
	int fd = corked_connection();
	struct io_uring_sqe *sqe = ring_next(tail);
	struct io_uring_cqe *cqe;

	sqe->opcode = IORING_OP_SEND_ZC;
	sqe->ioprio = IORING_RECVSEND_FIXED_BUF;
	sqe->fd = fd;
	sqe->addr = (uintptr_t)from;
	sqe->len = BYTES;
	ring_submit(1);
	cqe = ring_wait();
	check(cqe->res == BYTES && cqe->flags & IORING_CQE_F_MORE, "send");
	ring_seen();
	check(!getsockopt(fd, SOL_SOCKET, SO_MEMINFO, info, &len),
	      "SO_MEMINFO");
	close(fd);
	/* The notification: the connection is gone, or it is flushed. */
	ring_wait();
	ring_seen();
	return info[WMEM_QUEUED];
}

int main(void)
{
	char *page = huge_page();
	struct iovec whole = { .iov_base = page, .iov_len = HUGE };
	unsigned int first, last;

	ring_open();
	check(!syscall(__NR_io_uring_register, ring.fd,
		       IORING_REGISTER_BUFFERS, &whole, 1), "register");
	first = charged_for(0, page);
	last = charged_for(1, page + HUGE - 2 * BYTES);
	printf("charged for %d bytes: %u at the beginning of the page, %u near its end\n",
	       BYTES, first, last);
	return first != last;
}
