// What a descriptor is, asked of the kernel once at open.
#pragma once

#include <errno.h>
#include <sys/socket.h>

#include <cstdint>

namespace sendzc {

struct socket_facts {
  int32_t domain = 0;    // AF_*
  int32_t type = 0;      // SOCK_*
  int32_t protocol = 0;  // IPPROTO_*
  bool connected = false;
  bool listening = false;
};

// 0, or -EBADF (closed), -ENOTSOCK (a file, a pipe, an eventfd, ...), or another negated errno.
inline int read_socket_facts(int fd, socket_facts& facts) {
  socklen_t size = sizeof(int);
  if (getsockopt(fd, SOL_SOCKET, SO_DOMAIN, &facts.domain, &size) != 0) return -errno;
  size = sizeof(int);
  if (getsockopt(fd, SOL_SOCKET, SO_TYPE, &facts.type, &size) != 0) return -errno;
  size = sizeof(int);
  if (getsockopt(fd, SOL_SOCKET, SO_PROTOCOL, &facts.protocol, &size) != 0) return -errno;
  sockaddr_storage peer;
  size = sizeof(peer);
  facts.connected = getpeername(fd, reinterpret_cast<sockaddr*>(&peer), &size) == 0;
  if (facts.connected) return 0;
  int accepting = 0;
  size = sizeof(int);
  if (getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &accepting, &size) == 0) facts.listening = accepting != 0;
  return 0;
}

inline bool is_stream(const socket_facts& facts) { return facts.type == SOCK_STREAM; }

}  // namespace sendzc
