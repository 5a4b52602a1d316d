// SPDX-License-Identifier: GPL-2.0
/*
 * What collecting notifications costs: one process sends, another receives,
 * and the way and the interval of collecting are chosen.
 *
 *	zc_throughput [-4 | -6] [-l INTERVAL] [-s BYTES] [-t SECONDS | -n SENDS]
 *		      [-z classic | mmsg | never | inline | uring | none]
 *		      [-c CAPACITY] [-p PORT] [-C CPU] [-R CPU] [-A NAME] [-r]
 *		      tcp | udp
 *
 * Without -r both processes are on this machine. -r runs the receiver alone,
 * -D ADDRESS sends to one that is elsewhere.
 *
 * The loop of the sender is that of the classic interface in each mode: send
 * without waiting, collect when INTERVAL sends have passed, poll for room.
 *   classic	recvmsg(MSG_ERRQUEUE) until there is nothing more
 *   mmsg	recvmmsg(MSG_ERRQUEUE), many notifications per call
 *   never	not at all, unless the socket is full: a pending notification
 *		ends each poll, so that waiting for room is not possible else
 *   inline	SCM_ZC_NOTIFICATION with each INTERVAL-th send
 *   uring	SEND_ZC of io_uring, whose ring brings notifications unasked
 *   none	no MSG_ZEROCOPY
 * What is left at the end is read from the error queue in each mode.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "zc_socket.h"
#include "zc_throughput.h"
#include "zc_uapi.h"

#define DRAIN_TIMEOUT_MS	5000
#define CLOCK_EVERY_SENDS	16	/* readings of the clock are not free */
#define MESSAGES_PER_CALL	32	/* of recvmmsg */
#define QUEUE_CONTROL_BYTES	128	/* of one entry of the error queue */

static struct {
	unsigned long sends;
	unsigned long completed;	/* ids notified */
	unsigned long ranges;		/* notifications, each a range of ids */
	unsigned long copied;		/* ids of ranges that were copied */
	unsigned long trailing;		/* ranges read after the last send */
	unsigned long inline_ranges;
	unsigned long syscalls;
	unsigned long polls;		/* of these */
	unsigned long empty;		/* of these: nothing to collect */
	unsigned long blocked;		/* sends refused for lack of room */
	unsigned long long bytes;
} count;

static uint64_t control[(64 + 12 * ZC_TAKE_MAX) / 8];
static size_t control_bytes;
static struct zc_info *info;

static double now(clockid_t clock)
{
	struct timespec ts;

	clock_gettime(clock, &ts);
	return ts.tv_sec + ts.tv_nsec / 1e9;
}

static double seconds(struct timeval tv)
{
	return tv.tv_sec + tv.tv_usec / 1e6;
}

static void count_range(uint32_t lo, uint32_t hi, bool copied)
{
	uint32_t ids = hi - lo + 1;

	count.ranges++;
	count.completed += ids;
	if (copied)
		count.copied += ids;
}

static void count_entry(struct msghdr *msg)
{
	struct cmsghdr *cm = CMSG_FIRSTHDR(msg);
	struct sock_extended_err *ee;

	if (!cm || (cm->cmsg_level != SOL_IP && cm->cmsg_level != SOL_IPV6)) {
		fprintf(stderr, "error queue: unexpected control message\n");
		exit(1);
	}
	ee = (struct sock_extended_err *)CMSG_DATA(cm);
	if (ee->ee_origin != SO_EE_ORIGIN_ZEROCOPY || ee->ee_errno) {
		fprintf(stderr, "error queue: origin %u errno %u\n",
			ee->ee_origin, ee->ee_errno);
		exit(1);
	}
	count_range(ee->ee_info, ee->ee_data,
		    ee->ee_code & SO_EE_CODE_ZEROCOPY_COPIED);
}

/* Counts a call that found nothing. Exits when it failed otherwise. */
static void nothing_read(const char *call)
{
	if (errno != EAGAIN)
		die(call);
	count.empty++;
}

/* false: nothing to read */
static bool read_error_queue_once(int fd)
{
	char buf[QUEUE_CONTROL_BYTES] __attribute__((aligned(8)));
	struct msghdr msg = { .msg_control = buf,
			      .msg_controllen = sizeof(buf) };

	count.syscalls++;
	if (recvmsg(fd, &msg, MSG_ERRQUEUE) < 0) {
		nothing_read("recvmsg(MSG_ERRQUEUE)");
		return false;
	}
	count_entry(&msg);
	return true;
}

/* A call that is not filled has found the end of the queue. */
static void read_error_queue_many(int fd)
{
	static char bufs[MESSAGES_PER_CALL][QUEUE_CONTROL_BYTES]
		__attribute__((aligned(8)));
	static struct mmsghdr msgs[MESSAGES_PER_CALL];
	static int used = MESSAGES_PER_CALL;
	int n;

	do {
		/* What the last call wrote to is made ready again. */
		for (int i = 0; i < used; i++) {
			msgs[i].msg_hdr.msg_control = bufs[i];
			msgs[i].msg_hdr.msg_controllen = sizeof(bufs[i]);
		}
		count.syscalls++;
		n = recvmmsg(fd, msgs, MESSAGES_PER_CALL,
			     MSG_ERRQUEUE | MSG_DONTWAIT, NULL);
		if (n < 0)
			nothing_read("recvmmsg(MSG_ERRQUEUE)");
		/* The one that found nothing has been written to, too. */
		used = n < 0 ? 1 : n < MESSAGES_PER_CALL ? n + 1 : n;
		for (int i = 0; i < n; i++)
			count_entry(&msgs[i].msg_hdr);
	} while (n == MESSAGES_PER_CALL);
}

static void read_error_queue(int fd)
{
	if (cfg.mode == MMSG) {
		read_error_queue_many(fd);
		return;
	}
	while (read_error_queue_once(fd))
		;
}

static void control_init(void)
{
	struct cmsghdr *cm = (struct cmsghdr *)control;
	size_t payload = sizeof(struct zc_info) +
			 cfg.capacity * sizeof(struct zc_info_elem);

	cm->cmsg_level = SOL_SOCKET;
	cm->cmsg_type = SCM_ZC_NOTIFICATION;
	cm->cmsg_len = CMSG_LEN(payload);
	control_bytes = CMSG_SPACE(payload);
	info = (struct zc_info *)CMSG_DATA(cm);
	info->capacity = cfg.capacity;
}

static void count_inline(void)
{
	for (uint32_t i = 0; i < info->count; i++)
		count_range(info->elem[i].lo, info->elem[i].hi,
			    info->elem[i].flags & ZC_INFO_COPIED);
	count.inline_ranges += info->count;
}

/* Each is of one send; what became of the data is not asked. */
static void count_uring(unsigned int notifications)
{
	count.ranges += notifications;
	count.completed += notifications;
	count.inline_ranges += notifications;
}

static ssize_t send_message(int fd, struct msghdr *msg)
{
	unsigned int notifications;
	ssize_t n;

	if (cfg.mode != URING)
		return sendmsg(fd, msg, MSG_DONTWAIT |
			       (cfg.mode == NONE ? 0 : MSG_ZEROCOPY));
	n = uring_send(fd, msg->msg_iov->iov_base, msg->msg_iov->iov_len,
		       &notifications);
	count_uring(notifications);
	return n;
}

/* false: no room. @collect: with a placeholder. */
static bool send_once(int fd, struct msghdr *msg, bool collect)
{
	ssize_t n;

	msg->msg_control = collect ? control : NULL;
	msg->msg_controllen = collect ? control_bytes : 0;

	count.syscalls++;
	n = send_message(fd, msg);
	if (n < 0) {
		if (errno != EAGAIN && errno != ENOBUFS)
			die("sendmsg");
		if (errno == ENOBUFS && collect)
			count_inline();
		else if (errno == ENOBUFS)
			read_error_queue(fd);
		count.blocked++;
		return false;
	}
	count.bytes += n;
	count.sends++;
	if (collect)
		count_inline();
	return true;
}

/* Until there is room to send; notifications also end the wait. */
static void wait_for_room(int fd)
{
	struct pollfd pfd = { .fd = fd, .events = POLLOUT };

	for (;;) {
		count.syscalls++;
		count.polls++;
		if (poll(&pfd, 1, -1) != 1)
			die("poll");
		if (pfd.revents & POLLOUT)
			return;
		if (cfg.mode != NONE && cfg.mode != URING)
			read_error_queue(fd);
	}
}

static void drain_uring(void)
{
	unsigned long before = count.ranges;

	while (count.completed < count.sends) {
		count.syscalls++;
		count_uring(uring_wait());
	}
	count.trailing = count.ranges - before;
}

static void drain(int fd)
{
	struct pollfd pfd = { .fd = fd };
	unsigned long before = count.ranges;

	read_error_queue(fd);
	while (count.completed < count.sends) {
		count.syscalls++;
		count.polls++;
		if (poll(&pfd, 1, DRAIN_TIMEOUT_MS) != 1) {
			fprintf(stderr, "%lu notifications are missing\n",
				count.sends - count.completed);
			exit(1);
		}
		read_error_queue(fd);
	}
	count.trailing = count.ranges - before;
	if (count.completed != count.sends) {
		fprintf(stderr, "%lu sends, %lu notified\n", count.sends,
			count.completed);
		exit(1);
	}
}

static void send_all(int fd, char *data)
{
	struct iovec iov = { data, cfg.bytes };
	struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1 };
	double stop = now(CLOCK_MONOTONIC) + cfg.seconds;
	unsigned long since = 0;
	bool collect;

	for (;;) {
		if (cfg.sends ? count.sends >= cfg.sends :
		    count.sends % CLOCK_EVERY_SENDS == 0 &&
		    now(CLOCK_MONOTONIC) >= stop)
			return;
		collect = cfg.mode == INLINE && since + 1 >= cfg.interval;
		if (send_once(fd, &msg, collect))
			since++;
		if (since >= cfg.interval) {
			if (cfg.mode == CLASSIC || cfg.mode == MMSG)
				read_error_queue(fd);
			since = 0;
		}
		wait_for_room(fd);
	}
}

static int open_sender(void)
{
	const char *local = cfg.family == AF_INET ? "127.0.0.1" : "::1";
	struct sockaddr_storage ss;
	socklen_t len = make_address(&ss, cfg.destination ?: local);
	int fd = socket(cfg.family, cfg.type, 0), on = 1;
	int sndbuf = 1 << 21;

	if (fd < 0)
		die("socket");
	setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &sndbuf, sizeof(sndbuf));
	if (cfg.mode != NONE && cfg.mode != URING &&
	    setsockopt(fd, SOL_SOCKET, SO_ZEROCOPY, &on, sizeof(on)))
		die("SO_ZEROCOPY");
	if (cfg.congestion && cfg.type == SOCK_STREAM &&
	    setsockopt(fd, IPPROTO_TCP, TCP_CONGESTION, cfg.congestion,
		       strlen(cfg.congestion)))
		die("TCP_CONGESTION");
	if (connect(fd, (struct sockaddr *)&ss, len))
		die("connect");
	return fd;
}

static void report(double elapsed, double cpu, double user)
{
	printf("proto=%s%d mode=%s interval=%lu capacity=%u bytes=%zu "
	       "sends=%lu MB=%.3f notifications=%lu inline=%lu trailing=%lu "
	       "syscalls=%lu polls=%lu empty=%lu blocked=%lu copied=%lu "
	       "elapsed_s=%.9f sender_cpu_s=%.9f sender_user_s=%.6f\n",
	       cfg.type == SOCK_STREAM ? "tcp" : "udp",
	       cfg.family == AF_INET ? 4 : 6, mode_names[cfg.mode],
	       cfg.interval, cfg.mode == INLINE ? cfg.capacity : 0,
	       cfg.bytes, count.sends, count.bytes / 1e6,
	       count.ranges, count.inline_ranges, count.trailing,
	       count.syscalls, count.polls, count.empty, count.blocked,
	       count.copied, elapsed, cpu, user);
}

static void measure(pid_t receiver)
{
	int fd = open_sender();
	double start, cpu, elapsed, user;
	struct rusage before, after;
	char *data;

	data = mmap(NULL, cfg.bytes, PROT_READ | PROT_WRITE,
		    MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);
	if (data == MAP_FAILED)
		die("mmap");
	memset(data, 'z', cfg.bytes);
	control_init();
	if (cfg.mode == URING)
		uring_open();

	getrusage(RUSAGE_SELF, &before);
	start = now(CLOCK_MONOTONIC);
	cpu = now(CLOCK_PROCESS_CPUTIME_ID);
	send_all(fd, data);
	/*
	 * The receiver waits for SO_RCVLOWAT bytes or the end. Where loopback
	 * keeps the sender's pages, a rest below that would stay there, and
	 * its notifications with it.
	 */
	if (cfg.type == SOCK_STREAM && shutdown(fd, SHUT_WR))
		die("shutdown");
	if (cfg.mode == URING)
		drain_uring();
	else if (cfg.mode != NONE)
		drain(fd);
	cpu = now(CLOCK_PROCESS_CPUTIME_ID) - cpu;
	getrusage(RUSAGE_SELF, &after);
	user = seconds(after.ru_utime) - seconds(before.ru_utime);
	if (cfg.type == SOCK_STREAM) {
		/* Until the receiver has it all, so that its part counts. */
		close(fd);
		if (receiver)
			waitpid(receiver, NULL, 0);
		elapsed = now(CLOCK_MONOTONIC) - start;
	} else {
		elapsed = now(CLOCK_MONOTONIC) - start;
		end_datagrams(fd, receiver);
		close(fd);
	}
	report(elapsed, cpu, user);
}

static void pin(int cpu)
{
	cpu_set_t set;

	if (cpu < 0)
		return;
	CPU_ZERO(&set);
	CPU_SET(cpu, &set);
	if (sched_setaffinity(0, sizeof(set), &set))
		die("sched_setaffinity");
}

int main(int argc, char **argv)
{
	pid_t receiver = 0;
	int fd;

	parse_options(argc, argv);
	if (!cfg.destination) {
		fd = open_receiver();
		if (cfg.receive_only) {
			pin(cfg.receiver_cpu);
			receive_all(fd);
			return 0;
		}
		receiver = fork();
		if (receiver < 0)
			die("fork");
		if (!receiver) {
			/* A sender that is killed takes it along. */
			if (prctl(PR_SET_PDEATHSIG, SIGKILL))
				die("prctl");
			pin(cfg.receiver_cpu);
			receive_all(fd);
			return 0;
		}
		close(fd);
	}
	pin(cfg.sender_cpu);
	measure(receiver);
	return 0;
}
