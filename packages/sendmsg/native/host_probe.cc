#include "host_probe.h"

#include <errno.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include "error_queue.h"
#include "inline_notification.h"
#include "sendzc/unique_fd.h"
#include "system_call.h"
#include "uapi.h"

namespace sendzc {

namespace {

int zerocopy_socket(int32_t domain, int32_t type, unique_fd& made) {
  made = unique_fd(socket(domain, type | SOCK_CLOEXEC, 0));
  if (!made) return -errno;
  int on = 1;
  return setsockopt(made.get(), SOL_SOCKET, SO_ZEROCOPY, &on, sizeof(on)) == 0 ? 0 : -errno;
}

int connect_to_itself(int fd) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  auto* generic = reinterpret_cast<sockaddr*>(&address);
  socklen_t size = sizeof(address);
  if (bind(fd, generic, size) != 0 || getsockname(fd, generic, &size) != 0 || connect(fd, generic, size) != 0) return -errno;
  return 0;
}

}  // namespace

int probe_zerocopy(int32_t domain, int32_t type) {
  unique_fd made;
  return zerocopy_socket(domain, type, made);
}

int probe_inline(int32_t cmsg_type) {
  unique_fd made;
  int error = zerocopy_socket(AF_INET, SOCK_DGRAM, made);
  if (error == 0) error = connect_to_itself(made.get());
  if (error != 0) return error;
  error_queue_single trailing;
  inline_notification source(cmsg_type, 1, trailing);
  static char byte = 0;  // never written, so that the kernel may read it after this returns
  iovec data{&byte, 1};
  msghdr message{};
  message.msg_iov = &data;
  message.msg_iovlen = 1;
  source.attach(message);
  int64_t sent = send_message(made.get(), message, MSG_ZEROCOPY | MSG_DONTWAIT | MSG_NOSIGNAL);
  if (sent < 0) return static_cast<int>(sent);
  return source.was_filled() ? 1 : 0;
}

}  // namespace sendzc
