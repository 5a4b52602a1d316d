#include "wake_set.h"

#include <errno.h>

#include "system_call.h"

namespace sendzc {

int wake_set::open() {
  fd_ = unique_fd(epoll_create1(EPOLL_CLOEXEC));
  return fd_ ? 0 : -errno;
}

int wake_set::arm(int socket, registration& state, bool writable, registration as, uint64_t key) {
  epoll_event event{};
  event.events = static_cast<uint32_t>(EPOLLET) | (as == registration::one_shot ? static_cast<uint32_t>(EPOLLONESHOT) : 0u) |
                 (writable ? EPOLLOUT : 0u);
  event.data.u64 = key;
  int operation = state == registration::absent ? EPOLL_CTL_ADD : EPOLL_CTL_MOD;
  if (epoll_ctl(fd_.get(), operation, socket, &event) != 0) return -errno;
  state = as;
  return 0;
}

void wake_set::remove(int socket, registration& state) {
  if (state == registration::absent) return;
  epoll_event unused{};
  epoll_ctl(fd_.get(), EPOLL_CTL_DEL, socket, &unused);
  state = registration::absent;
}

int wake_set::wait(epoll_event* events, int capacity) {
  return static_cast<int>(retry_interrupted([&] { return static_cast<int64_t>(epoll_wait(fd_.get(), events, capacity, 0)); }));
}

}  // namespace sendzc
