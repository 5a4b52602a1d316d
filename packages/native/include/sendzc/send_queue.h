// The bytes of a TCP connection that the kernel holds until the peer acknowledges them (SIOCOUTQ, tcp(7)), and those that the peer has
// acknowledged.
#pragma once

#include <errno.h>
#include <linux/sockios.h>
#include <netinet/tcp.h>
#include <stdint.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

namespace sendzc {

// Bytes that are queued or sent and not acknowledged. 0 for a connection that is gone, since the kernel leaves its counters as they were. A
// negated errno where the socket has no such count.
inline int32_t undelivered_bytes(int fd) {
  tcp_info info = {};
  socklen_t size = sizeof(info);
  if (getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &size) != 0) return -errno;
  if (info.tcpi_state == TCP_CLOSE) return 0;
  int bytes = 0;
  return ioctl(fd, SIOCOUTQ, &bytes) == 0 ? bytes : -errno;
}

// The bytes of a TCP connection that the peer has acknowledged since its beginning: tcpi_bytes_acked (Linux 4.1); or a negated errno. The C
// library's tcp_info ends before that field.
inline int64_t acknowledged_bytes(int fd) {
  constexpr size_t bytes_acked_offset = 120;  // in tcp_info of linux/tcp.h
  unsigned char info[bytes_acked_offset + sizeof(uint64_t)] = {};
  socklen_t size = sizeof(info);
  if (getsockopt(fd, IPPROTO_TCP, TCP_INFO, info, &size) != 0) return -errno;
  if (size < sizeof(info)) return -EOPNOTSUPP;
  int64_t bytes = 0;
  memcpy(&bytes, info + bytes_acked_offset, sizeof(bytes));
  return bytes;
}

}  // namespace sendzc
