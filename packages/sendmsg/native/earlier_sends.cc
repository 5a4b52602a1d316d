#include "earlier_sends.h"

#include <linux/sockios.h>
#include <linux/tcp.h>
#include <netinet/in.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include <cstddef>

namespace sendzc {

namespace {

bool acked_bytes(int fd, uint64_t& acked) {
  tcp_info info{};
  socklen_t size = sizeof(info);
  if (getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &size) != 0) return false;
  if (size < offsetof(tcp_info, tcpi_bytes_acked) + sizeof(info.tcpi_bytes_acked)) return false;
  acked = info.tcpi_bytes_acked;
  return true;
}

bool queued_bytes(int fd, int& queued) { return ioctl(fd, SIOCOUTQ, &queued) == 0; }

}  // namespace

uint64_t acked_bytes_when_sent(int fd) {
  uint64_t acked = 0;
  int queued = 0;
  if (!acked_bytes(fd, acked) || !queued_bytes(fd, queued)) return 0;
  return acked + static_cast<uint64_t>(queued);
}

bool acked_bytes_reached(int fd, uint64_t target) {
  uint64_t acked = 0;
  return acked_bytes(fd, acked) && acked >= target;
}

bool send_queue_is_empty(int fd) {
  int queued = 0;
  return queued_bytes(fd, queued) && queued == 0;
}

}  // namespace sendzc
