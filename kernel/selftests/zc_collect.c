// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "zc_collect.h"
#include "zc_socket.h"

#define COMPLETE_TIMEOUT_MS	5000

const char *form_name(enum form form)
{
	return form == FORM_ALONE ? "alone" : "beside";
}

/* Where the placeholder begins behind what @form puts in front of it. */
static size_t put_in_front(enum form form, void *control)
{
	struct cmsghdr *cm = control;

	if (form == FORM_ALONE)
		return 0;
	/* Nobody has this level. */
	cm->cmsg_level = 9999;
	cm->cmsg_type = 1;
	cm->cmsg_len = CMSG_LEN(1);
	return CMSG_SPACE(1);
}

static size_t payload_bytes(uint32_t capacity)
{
	return sizeof(struct zc_info) + capacity * sizeof(struct zc_info_elem);
}

void placeholder_init(struct placeholder *ph, enum form form, uint32_t capacity)
{
	size_t front;

	memset(ph, 0, sizeof(*ph));
	front = put_in_front(form, ph->control);
	ph->capacity = capacity;
	ph->cm = (struct cmsghdr *)((char *)ph->control + front);
	ph->cm->cmsg_level = SOL_SOCKET;
	ph->cm->cmsg_type = SCM_ZC_NOTIFICATION;
	ph->cm->cmsg_len = CMSG_LEN(payload_bytes(capacity));
	ph->control_bytes = front + CMSG_SPACE(payload_bytes(capacity));
	ph->info = (struct zc_info *)CMSG_DATA(ph->cm);
	ph->info->capacity = capacity;
	ph->info->elem[0].flags = UNTOUCHED_FLAGS;
}

bool placeholder_empty(const struct placeholder *ph)
{
	return ph->info->capacity == ph->capacity && ph->info->count == 0 &&
	       ph->info->elem[0].flags == UNTOUCHED_FLAGS;
}

void unwritable_init(struct unwritable *u, enum form form, uint32_t capacity,
		     size_t writable)
{
	struct placeholder ph;
	size_t front;

	placeholder_init(&ph, form, capacity);
	ph.info->count = STALE_COUNT;
	front = (char *)ph.info - (char *)ph.control;
	u->page_bytes = sysconf(_SC_PAGESIZE);
	u->pages = mmap(NULL, 2 * u->page_bytes, PROT_READ | PROT_WRITE,
			MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	die_unless(u->pages != MAP_FAILED, "mmap");
	u->info = (struct zc_info *)(u->pages + u->page_bytes - writable);
	u->control = (char *)u->info - front;
	u->control_bytes = ph.control_bytes;
	memcpy(u->control, ph.control, ph.control_bytes);
	die_unless(!mprotect(u->pages + u->page_bytes, u->page_bytes,
			     PROT_READ), "mprotect");
}

void unwritable_free(struct unwritable *u)
{
	munmap(u->pages, 2 * u->page_bytes);
}

ssize_t send_unwritable(int fd, const void *data, size_t bytes, int flags,
			const struct unwritable *u)
{
	struct iovec iov = { .iov_base = (void *)data, .iov_len = bytes };
	struct msghdr msg = {
		.msg_iov = &iov, .msg_iovlen = 1,
		.msg_control = u->control, .msg_controllen = u->control_bytes,
	};

	return sendmsg(fd, &msg, flags | MSG_NOSIGNAL);
}

ssize_t send_collect(int fd, const void *data, size_t bytes, int flags,
		     struct placeholder *ph)
{
	struct iovec iov = { .iov_base = (void *)data, .iov_len = bytes };
	struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1 };

	if (ph) {
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

void ledger_add(struct ledger *l, uint32_t lo, uint32_t hi, bool copied)
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
		if (copied)
			__atomic_add_fetch(&l->copied, 1, __ATOMIC_RELAXED);
	}
}

void ledger_add_info(struct ledger *l, const struct zc_info *info)
{
	for (uint32_t i = 0; i < info->count; i++)
		ledger_add(l, info->elem[i].lo, info->elem[i].hi,
			   info->elem[i].flags & ZC_INFO_COPIED);
}

unsigned int ledger_add_queue(struct ledger *l, int fd)
{
	struct queue_entry e;
	unsigned int entries = 0;

	while (error_queue_read(fd, &e)) {
		if (e.origin != SO_EE_ORIGIN_ZEROCOPY)
			continue;
		ledger_add(l, e.info, e.data,
			   e.code & SO_EE_CODE_ZEROCOPY_COPIED);
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
