/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The ways to collect notifications, and the account of what was collected.
 */
#ifndef ZC_COLLECT_H
#define ZC_COLLECT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>
#include <sys/types.h>

#include "zc_uapi.h"

enum form {
	FORM_CMSG,		/* SCM_ZC_NOTIFICATION */
	FORM_POINTER,		/* SCM_ZC_NOTIFICATION_USR */
	FORMS,
};

/* What no kernel writes: tells a placeholder that was not touched. */
#define UNTOUCHED_ZEROCOPY	0xff
#define UNTOUCHED_SIZE		0xffffffffu

struct placeholder {
	enum form form;
	uint32_t capacity;
	struct zc_info *info;	/* where the answer is */
	size_t control_bytes;
	/* One element more than the kernel accepts, to be refused with. */
	uint64_t control[(64 + 12 * (ZC_INFO_CAPACITY_MAX + 1)) / 8];
	uint64_t elsewhere[(16 + 12 * (ZC_INFO_CAPACITY_MAX + 1)) / 8];
};

const char *form_name(enum form form);
void placeholder_init(struct placeholder *ph, enum form form, uint32_t capacity);
void placeholder_arm(struct placeholder *ph);

/* Only FORM_POINTER: the kernel writes to @to, which need not be memory. */
void placeholder_point(struct placeholder *ph, uint64_t to);
bool placeholder_untouched(const struct placeholder *ph);

/* sendmsg() with @ph armed, or without control data if it is NULL. */
ssize_t send_collect(int fd, const void *data, size_t bytes, int flags,
		     struct placeholder *ph);

/* One entry of the error queue. */
struct queue_entry {
	uint8_t origin;
	uint8_t code;
	uint32_t error;
	uint32_t info;
	uint32_t data;
};

/* false: the queue is empty. */
bool error_queue_read(int fd, struct queue_entry *entry);

/* Until POLLERR is raised, for @timeout_ms at most. */
bool error_queue_wait(int fd, int timeout_ms);

/* Which of the ids 0 to LEDGER_IDS - 1 have been notified. */
#define LEDGER_IDS	65536

struct ledger {
	uint32_t notified;
	uint32_t duplicates;
	uint32_t beyond;
	uint32_t copied;
	uint8_t seen[LEDGER_IDS];
};

void ledger_add(struct ledger *l, uint32_t lo, uint32_t hi, bool zerocopy);
void ledger_add_info(struct ledger *l, const struct zc_info *info);

/* Reads what the error queue holds; the number of notifications. */
unsigned int ledger_add_queue(struct ledger *l, int fd);

/* Reads the error queue until @sends are accounted for, or 5 s pass. */
bool ledger_complete(struct ledger *l, int fd, uint32_t sends);

#endif /* ZC_COLLECT_H */
