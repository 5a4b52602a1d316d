// SPDX-License-Identifier: GPL-2.0
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>

#include "zc_socket.h"
#include "zc_throughput.h"

socklen_t make_address(struct sockaddr_storage *ss, const char *text)
{
	struct sockaddr_in6 *in6 = (struct sockaddr_in6 *)ss;
	struct sockaddr_in *in = (struct sockaddr_in *)ss;
	void *to = cfg.family == AF_INET ? (void *)&in->sin_addr :
					   (void *)&in6->sin6_addr;

	memset(ss, 0, sizeof(*ss));
	ss->ss_family = cfg.family;
	in->sin_port = htons(cfg.port);		/* the same place in both */
	if (inet_pton(cfg.family, text, to) != 1) {
		fprintf(stderr, "not an address: %s\n", text);
		exit(1);
	}
	return cfg.family == AF_INET ? sizeof(*in) : sizeof(*in6);
}

int open_receiver(void)
{
	struct sockaddr_storage ss;
	socklen_t len = make_address(&ss, cfg.family == AF_INET ? "0.0.0.0" :
								  "::");
	int fd = socket(cfg.family, cfg.type, 0), on = 1;
	int rcvbuf = 1 << 21, lowat = 1 << 16;

	if (fd < 0)
		die("socket");
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	/* As the kernel's msg_zerocopy test does. */
	setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &rcvbuf, sizeof(rcvbuf));
	if (cfg.type == SOCK_STREAM)
		setsockopt(fd, SOL_SOCKET, SO_RCVLOWAT, &lowat, sizeof(lowat));
	if (bind(fd, (struct sockaddr *)&ss, len))
		die("bind");
	if (cfg.type == SOCK_STREAM && listen(fd, 1))
		die("listen");
	return fd;
}

void receive_all(int fd)
{
	bool stream = cfg.type == SOCK_STREAM;
	size_t room = stream ? 1 << 21 : 64;
	unsigned long long bytes = 0;
	char head[64];
	ssize_t n;

	if (stream) {
		fd = accept(fd, NULL, NULL);
		if (fd < 0)
			die("accept");
	}
	/*
	 * As the kernel's msg_zerocopy test: the receiver discards, so that
	 * its copy does not stand in place of the one that was avoided.
	 */
	while ((n = recv(fd, stream ? NULL : head, room, MSG_TRUNC)) > 0) {
		bytes += n;
		if (!stream && n == 1)
			break;
	}
	if (n < 0)
		die("recv");
	if (cfg.receive_only)
		printf("received bytes=%llu\n", bytes);
}

/* More than one: a full queue may drop it. */
void end_datagrams(int fd, pid_t receiver)
{
	struct timespec pause = { .tv_nsec = 1000000 };

	for (int i = 0; i < 1000; i++) {
		send(fd, "", 1, MSG_DONTWAIT);
		if (receiver && waitpid(receiver, NULL, WNOHANG) == receiver)
			return;
		nanosleep(&pause, NULL);
		if (!receiver && i > 10)
			return;
	}
	if (receiver)
		kill(receiver, SIGKILL);
}
