#include "address.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/if_packet.h>
#include <net/if.h>
#include <netdb.h>

#include <cstring>

#include "uapi.h"

namespace sendzc {

int parse_inet_address(int family, const std::string& host, uint32_t port, socket_address& address) {
  addrinfo hints = {};
  hints.ai_family = family;
  hints.ai_flags = AI_NUMERICHOST | AI_NUMERICSERV;
  addrinfo* found = nullptr;
  if (getaddrinfo(host.c_str(), nullptr, &hints, &found) != 0) return -EINVAL;
  memcpy(&address.storage, found->ai_addr, found->ai_addrlen);
  address.size = found->ai_addrlen;
  freeaddrinfo(found);
  if (family == AF_INET) {
    reinterpret_cast<sockaddr_in*>(&address.storage)->sin_port = htons(static_cast<uint16_t>(port));
  } else {
    reinterpret_cast<sockaddr_in6*>(&address.storage)->sin6_port = htons(static_cast<uint16_t>(port));
  }
  return 0;
}

void vsock_address(uint32_t cid, uint32_t port, socket_address& address) {
  auto* vm = reinterpret_cast<sockaddr_vm*>(&address.storage);
  vm->svm_family = AF_VSOCK;
  vm->svm_cid = cid;
  vm->svm_port = port;
  address.size = sizeof(sockaddr_vm);
}

int packet_address(const std::string& device, uint16_t ether_type, const uint8_t* mac, socket_address& address) {
  unsigned index = if_nametoindex(device.c_str());
  if (index == 0) return -ENODEV;
  auto* link = reinterpret_cast<sockaddr_ll*>(&address.storage);
  link->sll_family = AF_PACKET;
  link->sll_ifindex = static_cast<int>(index);
  link->sll_protocol = htons(ether_type);
  link->sll_halen = ethernet_address_bytes;
  memcpy(link->sll_addr, mac, ethernet_address_bytes);
  address.size = sizeof(sockaddr_ll);
  return 0;
}

namespace {

void name_address(const socket_address& address, named_address& named) {
  named.family = address.storage.ss_family;
  char text[INET6_ADDRSTRLEN] = "";
  switch (address.storage.ss_family) {
    case AF_INET: {
      const auto* inet = reinterpret_cast<const sockaddr_in*>(&address.storage);
      if (inet_ntop(AF_INET, &inet->sin_addr, text, sizeof(text)) != nullptr) named.host = text;
      named.port = ntohs(inet->sin_port);
      return;
    }
    case AF_INET6: {
      const auto* inet = reinterpret_cast<const sockaddr_in6*>(&address.storage);
      if (inet_ntop(AF_INET6, &inet->sin6_addr, text, sizeof(text)) != nullptr) named.host = text;
      named.port = ntohs(inet->sin6_port);
      char zone[IF_NAMESIZE] = "";
      if (inet->sin6_scope_id != 0 && if_indextoname(inet->sin6_scope_id, zone) != nullptr) {
        named.host += '%';
        named.host += zone;
      }
      return;
    }
    case AF_VSOCK: {
      const auto* vm = reinterpret_cast<const sockaddr_vm*>(&address.storage);
      named.host = std::to_string(vm->svm_cid);
      named.port = vm->svm_port;
      return;
    }
    case AF_PACKET: {
      const auto* link = reinterpret_cast<const sockaddr_ll*>(&address.storage);
      char device[IF_NAMESIZE] = "";
      if (if_indextoname(static_cast<unsigned>(link->sll_ifindex), device) != nullptr) named.host = device;
      named.port = ntohs(link->sll_protocol);
      return;
    }
    default:
      return;
  }
}

}  // namespace

int local_address(int fd, named_address& named) {
  socket_address address;
  address.size = sizeof(address.storage);
  if (getsockname(fd, address.get(), &address.size) != 0) return -errno;
  name_address(address, named);
  return 0;
}

int peer_address(int fd, named_address& named) {
  socket_address address;
  address.size = sizeof(address.storage);
  if (getpeername(fd, address.get(), &address.size) != 0) return -errno;
  name_address(address, named);
  return 0;
}

}  // namespace sendzc
