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

/* The kernel reads a placeholder that comes alone by another path. */
enum form {
	FORM_ALONE,
	FORM_BESIDE,		/* behind a control message that is ignored */
	FORMS,
};

/* What no kernel writes: tells elements that were not touched. */
#define UNTOUCHED_FLAGS		0xff

/* A count as an earlier call may have left it. */
#define STALE_COUNT		7

/* Of the largest placeholder that a test uses. */
#define CAPACITY_MAX		(2 * ZC_TAKE_MAX)

struct placeholder {
	uint32_t capacity;
	struct cmsghdr *cm;
	struct zc_info *info;
	size_t control_bytes;
	uint64_t control[(64 + 12 * CAPACITY_MAX) / 8];
};

const char *form_name(enum form form);
void placeholder_init(struct placeholder *ph, enum form form,
		      uint32_t capacity);
/* No element was written, and none counts. */
bool placeholder_empty(const struct placeholder *ph);

/*
 * A placeholder of which only the first @writable bytes of the payload can be
 * written to. It takes the place of ph->control.
 */
struct unwritable {
	char *pages;
	size_t page_bytes;
	char *control;
	size_t control_bytes;
	struct zc_info *info;
};

void unwritable_init(struct unwritable *u, enum form form, uint32_t capacity,
		     size_t writable);
void unwritable_free(struct unwritable *u);
ssize_t send_unwritable(int fd, const void *data, size_t bytes, int flags,
			const struct unwritable *u);

/* sendmsg() with @ph, or without control data if it is NULL. */
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

void ledger_add(struct ledger *l, uint32_t lo, uint32_t hi, bool copied);
void ledger_add_info(struct ledger *l, const struct zc_info *info);

/* Reads what the error queue holds; the number of notifications. */
unsigned int ledger_add_queue(struct ledger *l, int fd);

/* Reads the error queue until @sends are accounted for, or 5 s pass. */
bool ledger_complete(struct ledger *l, int fd, uint32_t sends);

#endif /* ZC_COLLECT_H */
