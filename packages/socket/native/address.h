// Socket addresses: from and to text.
#pragma once

#include <sys/socket.h>

#include <cstdint>
#include <string>

namespace sendzc {

struct socket_address {
  sockaddr_storage storage = {};
  socklen_t size = 0;

  const sockaddr* get() const { return reinterpret_cast<const sockaddr*>(&storage); }
  sockaddr* get() { return reinterpret_cast<sockaddr*>(&storage); }
};

// The answers of getsockname(2) and getpeername(2), for a reader. An empty host: the family has no printable address here.
struct named_address {
  int32_t family = 0;
  std::string host;   // numeric; for VSOCK the CID in decimal; for PACKET the interface name
  uint32_t port = 0;  // for PACKET the Ethernet type; 0 for RAW
};

// A numeric IPv4 or IPv6 address (with %zone) and a port. Never asks a name server. -EINVAL where `host` is not numeric or
// of another family.
int parse_inet_address(int family, const std::string& host, uint32_t port, socket_address& address);

void vsock_address(uint32_t cid, uint32_t port, socket_address& address);

// A link-layer address on `device`. -ENODEV where there is no such interface.
int packet_address(const std::string& device, uint16_t ether_type, const uint8_t* mac, socket_address& address);

// 0 or a negated errno (-ENOTCONN from `peer`).
int local_address(int fd, named_address& named);
int peer_address(int fd, named_address& named);

}  // namespace sendzc
