// Calls back once when a connecting or listening socket is ready, through one private epoll instance per environment:
// libuv never watches the sockets themselves, for it refuses a second watcher and stops at POLLERR.
#pragma once

#include <sendzc/unique_fd.h>
#include <sendzc/uv_poll.h>

#include <cstdint>
#include <unordered_map>

namespace sendzc {

class ready_poll {
 public:
  using ready_fn = void (*)(void* context, uint32_t id);

  // 0 or a negated errno.
  int open(uv_loop_t* loop, ready_fn ready, void* context);
  // One call of `ready` with `id`, from the event loop, once `fd` is readable or writable or has failed. -EEXIST: it is watched.
  // The caller unwatches before it closes the descriptor.
  int watch(int fd, bool writable, uint32_t id);
  // No callback follows. 0 also where `fd` is not watched.
  int unwatch(int fd);
  void close(uv_poll::closed_fn closed, void* context);

 private:
  static void on_ready(void* self);
  void forget(int fd);

  unique_fd epoll_;
  uv_poll poll_;
  ready_fn ready_ = nullptr;
  void* context_ = nullptr;
  std::unordered_map<int, uint32_t> watched_;  // by descriptor; bounded by the process's limit of them
};

}  // namespace sendzc
