#include "ready_poll.h"

#include <errno.h>
#include <sys/epoll.h>

namespace sendzc {
namespace {

constexpr int events_per_wake = 64;

}  // namespace

int ready_poll::open(uv_loop_t* loop, ready_fn ready, void* context) {
  epoll_.reset(epoll_create1(EPOLL_CLOEXEC));
  if (!epoll_) return -errno;
  ready_ = ready;
  context_ = context;
  int result = poll_.open(loop, epoll_.get(), on_ready, this);
  return result != 0 ? result : poll_.start();
}

int ready_poll::watch(int fd, bool writable, uint32_t id) {
  if (watched_.count(fd) != 0) return -EEXIST;
  epoll_event event = {};
  event.events = writable ? EPOLLOUT : EPOLLIN;
  event.data.u64 = uint64_t{id} << 32 | static_cast<uint32_t>(fd);
  if (epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, fd, &event) != 0) return -errno;
  watched_.emplace(fd, id);
  poll_.set_referenced(true);
  return 0;
}

int ready_poll::unwatch(int fd) {
  if (watched_.count(fd) == 0) return 0;
  int result = epoll_ctl(epoll_.get(), EPOLL_CTL_DEL, fd, nullptr) == 0 ? 0 : -errno;
  forget(fd);
  return result;
}

void ready_poll::forget(int fd) {
  watched_.erase(fd);
  if (watched_.empty()) poll_.set_referenced(false);
}

void ready_poll::on_ready(void* data) {
  auto* self = static_cast<ready_poll*>(data);
  epoll_event events[events_per_wake];
  int count = epoll_wait(self->epoll_.get(), events, events_per_wake, 0);
  for (int i = 0; i < count; i++) {
    int fd = static_cast<int>(events[i].data.u64 & UINT32_MAX);
    auto id = static_cast<uint32_t>(events[i].data.u64 >> 32);
    auto entry = self->watched_.find(fd);
    // An earlier callback of this round may have unwatched it, and given the number to another socket.
    if (entry == self->watched_.end() || entry->second != id) continue;
    epoll_ctl(self->epoll_.get(), EPOLL_CTL_DEL, fd, nullptr);
    self->forget(fd);
    self->ready_(self->context_, id);
  }
}

void ready_poll::close(uv_poll::closed_fn closed, void* context) { poll_.close(closed, context); }

}  // namespace sendzc
