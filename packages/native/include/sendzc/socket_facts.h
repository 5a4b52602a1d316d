// The kind of socket behind a descriptor. The kernel is asked once, at open.
#pragma once

#include <errno.h>
#include <netinet/in.h>
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

// The short way for a connected TCP or UDP socket, whose peer's address names the family: a server opens a writer for each connection.
// False for every other socket, of which each fact has to be asked for.
inline bool read_common_facts(int fd, socket_facts& facts) {
  sockaddr_storage peer;
  socklen_t size = sizeof(peer);
  if (getpeername(fd, reinterpret_cast<sockaddr*>(&peer), &size) != 0) return false;
  if (peer.ss_family != AF_INET && peer.ss_family != AF_INET6) return false;
  size = sizeof(int);
  if (getsockopt(fd, SOL_SOCKET, SO_PROTOCOL, &facts.protocol, &size) != 0) return false;
  // Sockets of other protocols (MPTCP, SMC) have such peers as well, and may be of another family.
  if (facts.protocol != IPPROTO_TCP && facts.protocol != IPPROTO_UDP) return false;
  size = sizeof(int);
  // A raw socket has these protocols too.
  if (getsockopt(fd, SOL_SOCKET, SO_TYPE, &facts.type, &size) != 0) return false;
  facts.domain = peer.ss_family;
  facts.connected = true;
  return true;
}

// 0, or -EBADF (closed), -ENOTSOCK (a file, a pipe, an eventfd, ...), or another negated errno.
inline int read_socket_facts(int fd, socket_facts& facts) {
  if (read_common_facts(fd, facts)) return 0;
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
