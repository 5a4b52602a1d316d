// Kernel interface that is newer than the headers this package may be built with, each with the kernel that brought it.
#pragma once

// linux/errqueue.h uses struct timespec without defining it.
#include <linux/errqueue.h>
#include <sys/socket.h>
#include <time.h>

#include <cstdint>

#ifndef SO_ZEROCOPY
#define SO_ZEROCOPY 60  // 4.14
#endif
#ifndef MSG_ZEROCOPY
#define MSG_ZEROCOPY 0x4000000  // 4.14
#endif
#ifndef SO_EE_ORIGIN_ZEROCOPY
#define SO_EE_ORIGIN_ZEROCOPY 5  // 4.14
#endif
#ifndef SO_EE_CODE_ZEROCOPY_COPIED
#define SO_EE_CODE_ZEROCOPY_COPIED 1  // 4.14
#endif
#ifndef AF_VSOCK
#define AF_VSOCK 40
#endif
#ifndef SOL_VSOCK
#define SOL_VSOCK 287  // 6.7
#endif
#ifndef VSOCK_RECVERR
#define VSOCK_RECVERR 1  // 6.7
#endif

namespace sendzc {

// The inline notification is in no released kernel; see kernel/README.md. Both numbers can be replaced by an option.
constexpr int32_t scm_zc_notification = 0x5a43;
constexpr int32_t scm_zc_notification_usr = 0x5a44;
// Notifications that one call can return at most (ZC_INFO_CAPACITY_MAX).
constexpr uint32_t zc_info_capacity_max = 128;

// struct zc_info_elem: one notification, 12 bytes.
struct zc_info_elem {
  uint32_t lo;
  uint32_t hi;
  uint8_t zerocopy;
  uint8_t reserved[3];
};
static_assert(sizeof(zc_info_elem) == 12, "struct zc_info_elem is 12 bytes");

// struct zc_info: `size` is the capacity on the way in, the number of entries filled on the way out.
struct zc_info {
  uint32_t size;
  zc_info_elem arr[zc_info_capacity_max];
};
constexpr size_t zc_info_bytes(uint32_t capacity) { return sizeof(uint32_t) + sizeof(zc_info_elem) * capacity; }

// struct zc_info_usr: the variant that is filled through a pointer.
struct zc_info_usr {
  uint64_t usr_addr;
  uint64_t usr_size;
};

}  // namespace sendzc
