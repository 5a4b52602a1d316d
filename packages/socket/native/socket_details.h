// The kernel's facts about an open socket, beyond sendzc/socket_facts.h.
#pragma once

#include <sendzc/socket_facts.h>

#include <cstdint>

namespace sendzc {

struct socket_details {
  socket_facts facts;
  int32_t send_buffer_bytes = 0;     // SO_SNDBUF as booked: twice what was set
  int32_t receive_buffer_bytes = 0;  // SO_RCVBUF as booked
  int32_t mtu_bytes = -1;            // of the path (connected IPv4, IPv6) or the interface (PACKET); -1 = unknown
  int32_t max_segment_bytes = -1;    // TCP_MAXSEG; -1 = not TCP
  char congestion_control[16] = {};  // TCP_CA_NAME_MAX; empty = not TCP
  bool zerocopy = false;             // SO_ZEROCOPY is on
  bool non_blocking = false;
};

// 0, -EBADF, -ENOTSOCK, or another negated errno.
int read_socket_details(int fd, socket_details& details);

}  // namespace sendzc
