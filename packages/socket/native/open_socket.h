// Opens one socket of any protocol the library sends over. Non-blocking, close-on-exec.
#pragma once

#include <sendzc/unique_fd.h>

#include <cstdint>
#include <string>

#include "address.h"

namespace sendzc {

// Numbers shared with native.ts.
enum class socket_protocol : int32_t { tcp = 0, udp, raw, raw_hdrincl, packet, packet_dgram, vsock };
enum class socket_role : int32_t { connect = 0, bind, listen };

struct socket_spec {
  socket_protocol protocol = socket_protocol::tcp;
  socket_role role = socket_role::connect;
  int32_t family = 0;              // AF_INET or AF_INET6; ignored for PACKET and VSOCK
  std::string host;                // numeric: the peer's (connect) or the local address (bind, listen)
  std::string local_host;          // numeric, for connect; empty = the kernel's choice
  std::string congestion_control;  // TCP_CONGESTION; empty = the system's default
  std::string device;              // SO_BINDTODEVICE, or the interface of PACKET; may be empty but for PACKET
  uint32_t port = 0;
  uint32_t local_port = 0;
  uint32_t cid = 0;               // VSOCK
  int32_t protocol_number = 0;    // RAW
  uint32_t ether_type = 0;        // PACKET
  uint8_t mac[6] = {};            // PACKET: destination
  int32_t send_buffer_bytes = 0;  // 0 = the kernel's default
  int32_t receive_buffer_bytes = 0;
  int32_t backlog = 0;
  bool no_delay = false;
};

struct opened_socket {
  unique_fd fd;
  bool connecting = false;     // connect(2) is under way: wait until writable, then finish_connect
  socket_address destination;  // PACKET: what a sendmsg with a name would use
};

// 0 or a negated errno; `failed_call` then names the system call.
// -ERANGE from setsockopt: the kernel's limit (net.core.wmem_max, rmem_max) is below the size asked for.
int open_socket(const socket_spec& spec, opened_socket& opened, const char*& failed_call);

// 0 connected, -EINPROGRESS not yet, else the reason as a negated errno.
int finish_connect(int fd);

// A connection as a non-blocking, close-on-exec descriptor, or a negated errno (-EAGAIN: none is waiting).
int accept_connection(int fd);

// Sizes as in SO_SNDBUF and SO_RCVBUF (the kernel books twice as much). 0 = leave. Uses SO_*BUFFORCE where CAP_NET_ADMIN
// allows it. 0 or a negated errno, see open_socket for -ERANGE.
int set_buffer_sizes(int fd, int32_t send_bytes, int32_t receive_bytes, const char*& failed_call);

// close(2): the number is free afterwards, whatever the answer. 0 or a negated errno.
int close_socket(int fd);

// setsockopt(SO_ZEROCOPY, 1). -EOPNOTSUPP: this protocol has no zero-copy in this kernel.
int enable_zerocopy(int fd);

}  // namespace sendzc
