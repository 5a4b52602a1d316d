#include "socket_details.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/if_packet.h>
#include <net/if.h>
#include <netinet/tcp.h>
#include <sys/ioctl.h>

#include "uapi.h"

namespace sendzc {
namespace {

// The option's value, or -1 where the kernel has none for this socket.
int32_t option_or_unknown(int fd, int level, int option) {
  int value = 0;
  socklen_t size = sizeof(value);
  return getsockopt(fd, level, option, &value, &size) == 0 ? value : -1;
}

int32_t interface_mtu(int fd) {
  sockaddr_ll link = {};
  socklen_t size = sizeof(link);
  if (getsockname(fd, reinterpret_cast<sockaddr*>(&link), &size) != 0) return -1;
  ifreq request = {};
  if (if_indextoname(static_cast<unsigned>(link.sll_ifindex), request.ifr_name) == nullptr) return -1;
  return ioctl(fd, SIOCGIFMTU, &request) == 0 ? request.ifr_mtu : -1;
}

void read_congestion_control(int fd, socket_details& details) {
  socklen_t size = sizeof(details.congestion_control) - 1;
  // Padded with zeros by the kernel; where it fails the name stays empty
  if (getsockopt(fd, IPPROTO_TCP, TCP_CONGESTION, details.congestion_control, &size) != 0) details.congestion_control[0] = '\0';
}

}  // namespace

int read_socket_details(int fd, socket_details& details) {
  int result = read_socket_facts(fd, details.facts);
  if (result != 0) return result;
  details.send_buffer_bytes = option_or_unknown(fd, SOL_SOCKET, SO_SNDBUF);
  details.receive_buffer_bytes = option_or_unknown(fd, SOL_SOCKET, SO_RCVBUF);
  details.zerocopy = option_or_unknown(fd, SOL_SOCKET, SO_ZEROCOPY) == 1;
  if (details.facts.domain == AF_INET) details.mtu_bytes = option_or_unknown(fd, IPPROTO_IP, IP_MTU);
  if (details.facts.domain == AF_INET6) details.mtu_bytes = option_or_unknown(fd, IPPROTO_IPV6, IPV6_MTU);
  if (details.facts.domain == AF_PACKET) details.mtu_bytes = interface_mtu(fd);
  if (details.facts.protocol == IPPROTO_TCP) {
    details.max_segment_bytes = option_or_unknown(fd, IPPROTO_TCP, TCP_MAXSEG);
    read_congestion_control(fd, details);
  }
  int flags = fcntl(fd, F_GETFL);
  if (flags < 0) return -errno;
  details.non_blocking = (flags & O_NONBLOCK) != 0;
  return 0;
}

}  // namespace sendzc
