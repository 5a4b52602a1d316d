// SPDX-License-Identifier: GPL-2.0
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/if.h>
#include <linux/if_tun.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "zc_hold.h"
#include "zc_socket.h"
#include "zc_uapi.h"

#define NETWORK		0xc6336400	/* 198.51.100.0, of which each has 16 */
#define HELD_BYTES	1000	/* below the MTU: fragments are copied */

static bool set_sysctl(const char *kind, const char *device, const char *name,
		       const char *value)
{
	char path[100];
	bool ok;
	int fd;

	snprintf(path, sizeof(path), "/proc/sys/net/ipv4/%s/%s/%s", kind,
		 device, name);
	fd = open(path, O_WRONLY);
	ok = fd >= 0 && write(fd, value, strlen(value)) > 0;
	if (fd >= 0)
		close(fd);
	return ok;
}

int hold_open(int n)
{
	int fd = open("/dev/net/tun", O_RDWR);
	int ioctl_fd = socket(AF_INET, SOCK_DGRAM, 0);
	struct sockaddr_in *in;
	struct ifreq ifr = { 0 };
	bool ok;

	snprintf(ifr.ifr_name, sizeof(ifr.ifr_name), "zchold%d", n);
	ifr.ifr_flags = IFF_TAP | IFF_NO_PI | IFF_VNET_HDR;
	ok = fd >= 0 && !ioctl(fd, TUNSETIFF, &ifr) &&
	     !ioctl(fd, TUNSETOFFLOAD, TUN_F_CSUM);
	in = (struct sockaddr_in *)&ifr.ifr_addr;
	in->sin_family = AF_INET;
	in->sin_port = 0;
	in->sin_addr.s_addr = htonl(NETWORK + 16 * n + 1);
	ok = ok && !ioctl(ioctl_fd, SIOCSIFADDR, &ifr);
	in->sin_addr.s_addr = htonl(0xfffffff0);
	ok = ok && !ioctl(ioctl_fd, SIOCSIFNETMASK, &ifr);
	/* The tests' sockets have 127.0.0.1, which stays on loopback else. */
	ok = ok && set_sysctl("conf", ifr.ifr_name, "route_localnet", "1");
	/* Nor does it give up for lack of an answer, after 3 s else. */
	ok = ok && set_sysctl("neigh", ifr.ifr_name, "retrans_time_ms",
			      "1000000");
	ifr.ifr_flags = IFF_UP;
	ok = ok && !ioctl(ioctl_fd, SIOCSIFFLAGS, &ifr);
	close(ioctl_fd);
	die_unless(ok, "tap");
	return fd;
}

bool send_held(int fd, int n, void *control, unsigned int control_bytes)
{
	struct sockaddr_in to = {
		.sin_family = AF_INET, .sin_port = htons(9),
		.sin_addr.s_addr = htonl(NETWORK + 16 * n + 2),
	};
	static char data[HELD_BYTES];
	struct iovec iov = { data, sizeof(data) };
	struct msghdr msg = {
		.msg_name = &to, .msg_namelen = sizeof(to),
		.msg_iov = &iov, .msg_iovlen = 1,
		.msg_control = control, .msg_controllen = control_bytes,
	};

	return sendmsg(fd, &msg, MSG_ZEROCOPY) == HELD_BYTES;
}
