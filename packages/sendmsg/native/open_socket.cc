#include "open_socket.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include <cstring>

#include "sendzc/envelope.h"
#include "uapi.h"

#ifndef TCP_ULP
#define TCP_ULP 31  // 4.13
#endif

namespace sendzc {

namespace {

bool is_served(const socket_facts& facts) {
  if (facts.domain == AF_INET || facts.domain == AF_INET6 || facts.domain == AF_PACKET) return true;
  // A SOCK_SEQPACKET message on vsock must leave whole, which the cap on one notification id per send does not allow.
  return facts.domain == AF_VSOCK && facts.type == SOCK_STREAM;
}

// A PACKET socket cannot connect: its frames go where it is bound to (packet(7)). A datagram of UDP may name its receiver.
bool has_destination(const socket_facts& facts) { return facts.connected || facts.domain == AF_PACKET || takes_envelopes(facts); }

bool has_kernel_tls(int fd, const socket_facts& facts) {
  if (facts.type != SOCK_STREAM || facts.domain == AF_VSOCK) return false;
  char name[16] = {};
  socklen_t size = sizeof(name) - 1;
  return getsockopt(fd, IPPROTO_TCP, TCP_ULP, name, &size) == 0 && strcmp(name, "tls") == 0;
}

bool flag_of(int fd, int level, int option) {
  int value = 0;
  socklen_t size = sizeof(value);
  return getsockopt(fd, level, option, &value, &size) == 0 && value != 0;
}

bool reports_errors(int fd, const socket_facts& facts) {
  if (is_stream(facts)) return false;
  if (facts.domain == AF_INET) return flag_of(fd, SOL_IP, IP_RECVERR);
  return facts.domain == AF_INET6 && (flag_of(fd, SOL_IPV6, IPV6_RECVERR) || flag_of(fd, SOL_IP, IP_RECVERR));
}

int fail(opened_socket& opened, open_stage stage, int error) {
  opened.stage = stage;
  return error;
}

}  // namespace

int open_socket(int fd, bool zerocopy, opened_socket& opened) {
  int error = read_socket_facts(fd, opened.facts);
  if (error != 0) return fail(opened, open_stage::descriptor, error);
  if (!is_served(opened.facts)) return fail(opened, open_stage::family, -EOPNOTSUPP);
  if (opened.facts.listening || !has_destination(opened.facts)) return fail(opened, open_stage::connection, -ENOTCONN);
  if (has_kernel_tls(fd, opened.facts)) return fail(opened, open_stage::upper_layer, -EOPNOTSUPP);

  unique_fd own(fcntl(fd, F_DUPFD_CLOEXEC, 0));
  if (!own) return fail(opened, open_stage::duplicate, -errno);
  if (zerocopy) {
    error = opened.claim.take(own.get());
    if (error != 0) return fail(opened, error == -EBUSY ? open_stage::owned : open_stage::descriptor, error);
    opened.was_zerocopy = flag_of(own.get(), SOL_SOCKET, SO_ZEROCOPY);
    int on = 1;
    if (!opened.was_zerocopy && setsockopt(own.get(), SOL_SOCKET, SO_ZEROCOPY, &on, sizeof(on)) != 0) {
      return fail(opened, open_stage::set_zerocopy, -errno);
    }
  }
  opened.reports_errors = reports_errors(own.get(), opened.facts);
  opened.fd = std::move(own);
  return 0;
}

}  // namespace sendzc
