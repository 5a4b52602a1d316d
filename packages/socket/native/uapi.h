// Constants newer than the oldest supported system headers, each with the kernel that brought it.
#pragma once

#include <linux/sock_diag.h>
#include <netinet/in.h>
#include <sys/socket.h>
// after sys/socket.h, which it needs
#include <linux/vm_sockets.h>

#ifndef SO_MEMINFO
#define SO_MEMINFO 55  // 4.12
#endif
#ifndef SO_ZEROCOPY
#define SO_ZEROCOPY 60  // 4.14
#endif
#ifndef AF_VSOCK
#define AF_VSOCK 40  // 3.9
#endif
#ifndef VMADDR_CID_LOCAL
#define VMADDR_CID_LOCAL 1  // 5.6
#endif

namespace sendzc {

// Ethernet header: destination, source, type (IEEE 802.3; linux/if_ether.h ETH_HLEN).
constexpr unsigned ethernet_header_bytes = 14;
constexpr unsigned ethernet_address_bytes = 6;

}  // namespace sendzc
