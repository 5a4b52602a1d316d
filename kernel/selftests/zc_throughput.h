/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the parts of zc_throughput share.
 */
#ifndef ZC_THROUGHPUT_H
#define ZC_THROUGHPUT_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/socket.h>
#include <sys/types.h>

enum mode { CLASSIC, MMSG, NEVER, INLINE, URING, NONE, MODES };

extern const char * const mode_names[MODES];

struct throughput_options {
	int family;
	int type;
	enum mode mode;
	unsigned long interval;
	size_t bytes;
	double seconds;
	unsigned long sends;	/* 0: until the time is up */
	unsigned int capacity;
	bool receive_only;
	const char *destination;
	const char *congestion;	/* NULL: what the system has */
	int port;
	int sender_cpu;		/* -1: not pinned */
	int receiver_cpu;
};

extern struct throughput_options cfg;

/* Exits when they make no sense. */
void parse_options(int argc, char **argv);

socklen_t make_address(struct sockaddr_storage *ss, const char *text);

/* The receiver's socket, on every address. */
int open_receiver(void);

/* io_uring. A send whose notification will come; -1 and errno. */
void uring_open(void);
ssize_t uring_send(int fd, const void *data, size_t bytes,
		   unsigned int *notifications);
unsigned int uring_reap(void);
/* Until something is in the ring. */
unsigned int uring_wait(void);

/* Until the stream ends, or a datagram of one byte arrives. */
void receive_all(int fd);

/* Sends it until @receiver has ended, which is ended if it does not. */
void end_datagrams(int fd, pid_t receiver);

#endif /* ZC_THROUGHPUT_H */
