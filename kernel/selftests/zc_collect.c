// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>

#include "zc_collect.h"
#include "zc_socket.h"

#define COMPLETE_TIMEOUT_MS	5000

const char *form_name(enum form form)
{
	return form == FORM_CMSG ? "cmsg" : "pointer";
}

void placeholder_init(struct placeholder *ph, enum form form, uint32_t capacity)
{
	struct cmsghdr *cm = (struct cmsghdr *)ph->control;
	size_t payload;

	memset(ph, 0, sizeof(*ph));
	ph->form = form;
	ph->capacity = capacity;
	cm->cmsg_level = SOL_SOCKET;

	if (form == FORM_CMSG) {
		payload = sizeof(struct zc_info) +
			  capacity * sizeof(struct zc_info_elem);
		cm->cmsg_type = SCM_ZC_NOTIFICATION;
		ph->info = (struct zc_info *)CMSG_DATA(cm);
	} else {
		payload = sizeof(struct zc_info_usr);
		cm->cmsg_type = SCM_ZC_NOTIFICATION_USR;
		ph->info = (struct zc_info *)ph->elsewhere;
		placeholder_point(ph, (uintptr_t)ph->info);
	}
	cm->cmsg_len = CMSG_LEN(payload);
	ph->control_bytes = CMSG_SPACE(payload);
	placeholder_arm(ph);
}

void placeholder_point(struct placeholder *ph, uint64_t to)
{
	struct cmsghdr *cm = (struct cmsghdr *)ph->control;
	struct zc_info_usr usr = { .usr_addr = to, .usr_size = ph->capacity };

	memcpy(CMSG_DATA(cm), &usr, sizeof(usr));
}

void placeholder_arm(struct placeholder *ph)
{
	ph->info->size = ph->form == FORM_CMSG ? ph->capacity : UNTOUCHED_SIZE;
	ph->info->arr[0].zerocopy = UNTOUCHED_ZEROCOPY;
}

bool placeholder_untouched(const struct placeholder *ph)
{
	return ph->info->size == (ph->form == FORM_CMSG ? ph->capacity :
							  UNTOUCHED_SIZE) &&
	       ph->info->arr[0].zerocopy == UNTOUCHED_ZEROCOPY;
}

ssize_t send_collect(int fd, const void *data, size_t bytes, int flags,
		     struct placeholder *ph)
{
	struct iovec iov = { .iov_base = (void *)data, .iov_len = bytes };
	struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1 };

	if (ph) {
		placeholder_arm(ph);
		msg.msg_control = ph->control;
		msg.msg_controllen = ph->control_bytes;
	}
	return sendmsg(fd, &msg, flags | MSG_NOSIGNAL);
}

static bool is_extended_error(const struct cmsghdr *cm)
{
	return (cm->cmsg_level == SOL_IP && cm->cmsg_type == IP_RECVERR) ||
	       (cm->cmsg_level == SOL_IPV6 && cm->cmsg_type == IPV6_RECVERR) ||
	       (cm->cmsg_level == SOL_VSOCK && cm->cmsg_type == 1);
}

bool error_queue_read(int fd, struct queue_entry *entry)
{
	uint64_t control[64];
	struct msghdr msg = {
		.msg_control = control,
		.msg_controllen = sizeof(control),
	};
	struct sock_extended_err ee;
	struct cmsghdr *cm;

	if (recvmsg(fd, &msg, MSG_ERRQUEUE) < 0) {
		die_unless(errno == EAGAIN, "recvmsg(MSG_ERRQUEUE)");
		return false;
	}
	for (cm = CMSG_FIRSTHDR(&msg); cm; cm = CMSG_NXTHDR(&msg, cm)) {
		if (!is_extended_error(cm))
			continue;
		memcpy(&ee, CMSG_DATA(cm), sizeof(ee));
		entry->origin = ee.ee_origin;
		entry->code = ee.ee_code;
		entry->error = ee.ee_errno;
		entry->info = ee.ee_info;
		entry->data = ee.ee_data;
		return true;
	}
	errno = 0;
	die("entry of the error queue without an extended error");
	return false;
}

bool error_queue_wait(int fd, int timeout_ms)
{
	struct pollfd pfd = { .fd = fd };

	return poll(&pfd, 1, timeout_ms) == 1 && (pfd.revents & POLLERR);
}

void ledger_add(struct ledger *l, uint32_t lo, uint32_t hi, bool zerocopy)
{
	uint32_t n = hi - lo + 1;

	for (uint32_t id = lo; n; n--, id++) {
		if (id >= LEDGER_IDS) {
			l->beyond++;
			return;
		}
		if (__atomic_exchange_n(&l->seen[id], 1, __ATOMIC_RELAXED))
			__atomic_add_fetch(&l->duplicates, 1, __ATOMIC_RELAXED);
		else
			__atomic_add_fetch(&l->notified, 1, __ATOMIC_RELAXED);
		if (!zerocopy)
			__atomic_add_fetch(&l->copied, 1, __ATOMIC_RELAXED);
	}
}

void ledger_add_info(struct ledger *l, const struct zc_info *info)
{
	for (uint32_t i = 0; i < info->size; i++)
		ledger_add(l, info->arr[i].lo, info->arr[i].hi,
			   info->arr[i].zerocopy);
}

unsigned int ledger_add_queue(struct ledger *l, int fd)
{
	struct queue_entry e;
	unsigned int entries = 0;

	while (error_queue_read(fd, &e)) {
		if (e.origin != SO_EE_ORIGIN_ZEROCOPY)
			continue;
		ledger_add(l, e.info, e.data,
			   !(e.code & SO_EE_CODE_ZEROCOPY_COPIED));
		entries++;
	}
	return entries;
}

bool ledger_complete(struct ledger *l, int fd, uint32_t sends)
{
	while (l->notified < sends) {
		if (!error_queue_wait(fd, COMPLETE_TIMEOUT_MS))
			return false;
		ledger_add_queue(l, fd);
	}
	ledger_add_queue(l, fd);
	return l->notified == sends && !l->duplicates && !l->beyond;
}
