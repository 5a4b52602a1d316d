// SPDX-License-Identifier: GPL-2.0
/*
 * What else is on the error queue, and what poll() says of it.
 */
#include <errno.h>
#include <netinet/in.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "zc_test.h"

static const char *poll_state(const struct pair *p, enum transport t,
			      enum form form)
{
	struct placeholder ph;

	REQUIRE(send_one(p, NULL));
	REQUIRE(error_queue_wait(p->tx, 1000));
	placeholder_init(&ph, form, 0);
	REQUIRE(send_collect(p->tx, test_data, 1, 0, &ph) == 1);
	REQUIRE(error_queue_wait(p->tx, 0));
	placeholder_init(&ph, form, 1);
	REQUIRE(send_collect(p->tx, test_data, 1, 0, &ph) == 1);
	REQUIRE(ph.info->count == 1);
	REQUIRE(!error_queue_wait(p->tx, 0));
	return NULL;
}

/* An edge-triggered watcher hears of notifications that were put back. */
static const char *edge_after_fault(const struct pair *p, enum transport t,
				    enum form form)
{
	struct epoll_event ev = { .events = EPOLLET }, got = { 0 };
	int ep = epoll_create1(0);
	struct unwritable u;

	REQUIRE(send_one(p, NULL));
	REQUIRE(error_queue_wait(p->tx, 1000));
	REQUIRE(!epoll_ctl(ep, EPOLL_CTL_ADD, p->tx, &ev));
	REQUIRE(epoll_wait(ep, &got, 1, 1000) == 1);
	unwritable_init(&u, form, 1, sizeof(struct zc_info));
	REQUIRE(send_unwritable(p->tx, test_data, 1, 0, &u) == 1);
	REQUIRE(epoll_wait(ep, &got, 1, 1000) == 1);
	REQUIRE(got.events & EPOLLERR);
	unwritable_free(&u);
	close(ep);
	return NULL;
}

/* An edge-triggered watcher hears that something is left behind what went. */
static const char *edge_after_some(const struct pair *p, enum transport t,
				   enum form form)
{
	struct epoll_event ev = { .events = EPOLLET }, got = { 0 };
	struct placeholder ph;
	int ep = epoll_create1(0);

	REQUIRE(queue_separate(p, 2));
	REQUIRE(!epoll_ctl(ep, EPOLL_CTL_ADD, p->tx, &ev));
	REQUIRE(epoll_wait(ep, &got, 1, 1000) == 1);
	placeholder_init(&ph, form, 1);
	REQUIRE(send_collect(p->tx, test_data, 1, 0, &ph) == 1);
	REQUIRE(ph.info->count == 1);
	REQUIRE(epoll_wait(ep, &got, 1, 1000) == 1);
	REQUIRE(got.events & EPOLLERR);
	close(ep);
	return NULL;
}

static int pending_error(int fd)
{
	socklen_t len = sizeof(int);
	int error = -1;

	die_unless(!getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &len),
		   "SO_ERROR");
	return error;
}

/*
 * The queue is a notification, then an ICMP error that has been raised before:
 * taking the notification makes it the oldest entry, and raises it again.
 */
static const char *icmp_error_raised(const struct pair *p, enum transport t,
				     enum form form)
{
	int level = t == UDP4 ? SOL_IP : SOL_IPV6, on = 1;
	int option = t == UDP4 ? IP_RECVERR : IPV6_RECVERR;
	struct iovec iov = { test_data, 1 };
	struct sockaddr_storage to;
	socklen_t len = sizeof(to);
	struct placeholder ph;
	struct queue_entry e;
	struct pair other;

	REQUIRE(!setsockopt(p->tx, level, option, &on, sizeof(on)));
	REQUIRE(send_one(p, NULL));
	close(p->rx);
	REQUIRE(send(p->tx, test_data, 1, 0) == 1);
	REQUIRE(pending_error(p->tx) == ECONNREFUSED);
	REQUIRE(pending_error(p->tx) == 0);

	/* Somebody listens there, so that this send leaves no other error. */
	REQUIRE(pair_open(t, &other));
	REQUIRE(!getsockname(other.rx, (struct sockaddr *)&to, &len));
	placeholder_init(&ph, form, 1);
	struct msghdr msg = {
		.msg_name = &to, .msg_namelen = len,
		.msg_iov = &iov, .msg_iovlen = 1,
		.msg_control = ph.control, .msg_controllen = ph.control_bytes,
	};
	REQUIRE(sendmsg(p->tx, &msg, 0) == 1);
	REQUIRE(ph.info->count == 1);
	REQUIRE(pending_error(p->tx) == ECONNREFUSED);
	REQUIRE(error_queue_read(p->tx, &e));
	REQUIRE(e.error == ECONNREFUSED);
	pair_close(&other);
	return NULL;
}

/*
 * Nobody listens at the other end: each datagram that leaves leaves an ICMP
 * error, which the next system call returns instead of sending.
 */
static const char *icmp_errors_stay(const struct pair *p, enum transport t,
				    enum form form)
{
	int level = t == UDP4 ? SOL_IP : SOL_IPV6, on = 1;
	int option = t == UDP4 ? IP_RECVERR : IPV6_RECVERR;
	unsigned int sent = 0, refused = 0, icmp = 0;
	struct ledger l = { 0 };
	struct placeholder ph;
	struct queue_entry e;

	REQUIRE(!setsockopt(p->tx, level, option, &on, sizeof(on)));
	close(p->rx);
	placeholder_init(&ph, form, 2);
	for (int i = 0; i < 6; i++) {
		if (send_collect(p->tx, test_data, 100, MSG_ZEROCOPY,
				 &ph) > 0) {
			sent++;
			ledger_add_info(&l, ph.info);
			continue;
		}
		REQUIRE(errno == ECONNREFUSED);
		REQUIRE(ph.info->count == 0);
		refused++;
	}
	REQUIRE(sent == 3 && refused == 3);
	REQUIRE(l.notified == sent && !l.duplicates);

	while (error_queue_read(p->tx, &e)) {
		REQUIRE(e.origin == (t == UDP4 ? SO_EE_ORIGIN_ICMP :
						 SO_EE_ORIGIN_ICMP6));
		REQUIRE(e.error == ECONNREFUSED);
		icmp++;
	}
	REQUIRE(icmp == sent);
	return NULL;
}

const struct test queue_tests[] = {
	{ "poll state", poll_state, ON_ALL, 2 },
	{ "edge after a fault", edge_after_fault, ON_ALL, 2 },
	{ "edge after some were taken", edge_after_some, ON_UDP, 2 },
	{ "ICMP error raised", icmp_error_raised, ON_UDP, 2 },
	{ "ICMP errors stay", icmp_errors_stay, ON_UDP, 2 },
	{ 0 }
};
