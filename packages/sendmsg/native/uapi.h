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

// The inline notification is in no released kernel; see kernel/README.md. The number can be replaced by an option.
constexpr int32_t scm_zc_notification = 0x5a43;
// Notifications that fit into one placeholder of this package. The kernel takes any capacity.
constexpr uint32_t zc_info_capacity_max = 128;
// In zc_info_elem::flags: the kernel copied the data of at least one of the sends (ZC_INFO_COPIED).
constexpr uint8_t zc_info_copied = 1;

// struct zc_info_elem: one notification, 12 bytes.
struct zc_info_elem {
  uint32_t lo;
  uint32_t hi;
  uint8_t flags;
  uint8_t reserved[3];
};
static_assert(sizeof(zc_info_elem) == 12, "struct zc_info_elem is 12 bytes");

// struct zc_info: the kernel writes `count`, 0 before it sends and the number of entries filled when it returns.
struct zc_info {
  uint32_t capacity;
  uint32_t count;
  zc_info_elem elem[zc_info_capacity_max];
};
constexpr size_t zc_info_bytes(uint32_t capacity) { return 2 * sizeof(uint32_t) + sizeof(zc_info_elem) * capacity; }

}  // namespace sendzc
