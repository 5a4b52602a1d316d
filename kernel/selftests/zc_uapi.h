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
#define SCM_ZC_NOTIFICATION_USR	0x5a44
#define ZC_INFO_CAPACITY_MAX	128

struct zc_info_elem {
	__u32	lo;
	__u32	hi;
	__u8	zerocopy;
	__u8	reserved[3];
};

struct zc_info {
	__u32			size;
	struct zc_info_elem	arr[];
};

struct zc_info_usr {
	__u64	usr_addr;
	__u64	usr_size;
};
#endif

#endif /* ZC_UAPI_H */
