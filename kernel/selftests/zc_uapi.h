/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The user interface of patches/, for building against headers that lack it.
 */
#ifndef ZC_UAPI_H
#define ZC_UAPI_H

#include <stdint.h>
#include <time.h>
#include <linux/errqueue.h>

#ifndef SO_ZEROCOPY
#define SO_ZEROCOPY 60
#endif
#ifndef MSG_ZEROCOPY
#define MSG_ZEROCOPY 0x4000000
#endif
#ifndef SOL_VSOCK
#define SOL_VSOCK 287
#endif

#ifndef SCM_ZC_NOTIFICATION
#define SCM_ZC_NOTIFICATION	0x5a43
#define ZC_QUIET		(1 << 1)
#define ZC_INFO_COPIED		(1 << 0)

struct zc_info_elem {
	__u32	lo;
	__u32	hi;
	__u8	flags;
	__u8	reserved[3];
};

struct zc_info {
	__u32			capacity;
	__u32			count;
	struct zc_info_elem	elem[];
};
#endif

/* What one call returns and looks at at most: no part of the interface. */
#define ZC_TAKE_MAX		128
#define ZC_SCAN_MAX		256

#endif /* ZC_UAPI_H */
