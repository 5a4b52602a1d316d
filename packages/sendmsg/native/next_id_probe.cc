#include "next_id_probe.h"

#include <errno.h>
#include <netinet/in.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstring>

#include "system_call.h"
#include "uapi.h"

namespace sendzc {

namespace {

// A page that nobody can read. Kept for the life of the process, null where there is no memory for it.
void* unreadable_page() {
  static void* const page = [] {
    void* mapped = mmap(nullptr, static_cast<size_t>(sysconf(_SC_PAGESIZE)), PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    return mapped == MAP_FAILED ? nullptr : mapped;
  }();
  return page;
}

int64_t send_part(int fd, msghdr header, void* data, int flags) {
  iovec part{data, 1};
  header.msg_iov = &part;
  header.msg_iovlen = 1;
  return send_message(fd, header, flags | MSG_DONTWAIT | MSG_NOSIGNAL);
}

// The number of the loopback device, in every network namespace (LOOPBACK_IFINDEX).
constexpr int loopback_device = 1;
constexpr int any_or_loopback[] = {0, loopback_device};
// The discard service. Nothing is sent to it.
constexpr uint16_t discard_port = 9;

// The destination of a datagram that is never sent: this host, from this host, so that the route and the address of the socket do not
// matter.
class own_host {
 public:
  // With `device` 0 the routes choose, also where the loopback device is down. loopback_device is for a socket that is bound to another
  // device.
  static own_host inet(int device) {
    own_host made;
    made.address_.inet.sin_family = AF_INET;
    made.address_.inet.sin_port = htons(discard_port);
    made.address_.inet.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    in_pktinfo source{};
    source.ipi_ifindex = device;
    source.ipi_spec_dst.s_addr = htonl(INADDR_LOOPBACK);
    made.set_source(SOL_IP, IP_PKTINFO, &source, sizeof(source));
    made.address_bytes_ = sizeof(made.address_.inet);
    return made;
  }
  static own_host inet6() {
    own_host made;
    made.address_.inet6.sin6_family = AF_INET6;
    made.address_.inet6.sin6_port = htons(discard_port);
    made.address_.inet6.sin6_addr = in6addr_loopback;
    in6_pktinfo source{};
    source.ipi6_addr = in6addr_loopback;
    made.set_source(SOL_IPV6, IPV6_PKTINFO, &source, sizeof(source));
    made.address_bytes_ = sizeof(made.address_.inet6);
    return made;
  }

  // Points into this object.
  msghdr header() {
    msghdr made{};
    made.msg_name = &address_;
    made.msg_namelen = address_bytes_;
    made.msg_control = control_;
    made.msg_controllen = control_bytes_;
    return made;
  }

 private:
  void set_source(int level, int type, const void* source, size_t bytes) {
    control_bytes_ = CMSG_SPACE(bytes);
    msghdr holder{};
    holder.msg_control = control_;
    holder.msg_controllen = control_bytes_;
    cmsghdr* first = CMSG_FIRSTHDR(&holder);
    first->cmsg_level = level;
    first->cmsg_type = type;
    first->cmsg_len = CMSG_LEN(bytes);
    memcpy(CMSG_DATA(first), source, bytes);
  }

  union {
    sockaddr_in inet;
    sockaddr_in6 inet6;
  } address_{};
  socklen_t address_bytes_ = 0;
  size_t control_bytes_ = 0;
  alignas(cmsghdr) unsigned char control_[CMSG_SPACE(sizeof(in6_pktinfo))] = {};
};

int begin_and_drop(int fd, const msghdr& to, void* unreadable) {
  static char first_part = 0;
  int64_t begun = send_part(fd, to, &first_part, MSG_MORE | MSG_ZEROCOPY);
  if (begun < 0) return static_cast<int>(begun);
  send_part(fd, msghdr{}, unreadable, MSG_MORE);
  return 0;
}

}  // namespace

int use_up_next_id(int fd, int32_t domain) {
  void* unreadable = unreadable_page();
  if (unreadable == nullptr) return -ENOMEM;
  int error = begin_and_drop(fd, msghdr{}, unreadable);
  if (error != 0 && error != -EAGAIN && domain == AF_INET6) error = begin_and_drop(fd, own_host::inet6().header(), unreadable);
  // An IPv6 socket that takes both families can begin one over IPv4 as well.
  for (int device : any_or_loopback) {
    if (error == 0 || error == -EAGAIN) break;
    error = begin_and_drop(fd, own_host::inet(device).header(), unreadable);
  }
  return error;
}

}  // namespace sendzc
