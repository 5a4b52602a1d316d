// A uv_poll_t on a descriptor that no libuv handle watches: an epoll instance or a ring, never a socket.
// (libuv stops a handle that sees POLLERR without POLLPRI, and refuses a second watcher on one descriptor.)
#pragma once

#include <uv.h>

#include <new>

namespace sendzc {

class uv_poll {
 public:
  using ready_fn = void (*)(void* context);
  using closed_fn = void (*)(void* context);

  uv_poll() = default;
  uv_poll(const uv_poll&) = delete;
  uv_poll& operator=(const uv_poll&) = delete;
  // Only after close(), or where open() was never called. The handle itself lives until libuv's close callback.
  ~uv_poll() = default;

  // 0 or a negated errno. The handle starts unreferenced and stopped.
  int open(uv_loop_t* loop, int fd, ready_fn ready, void* context) {
    poll_ = new (std::nothrow) state;
    if (poll_ == nullptr) return UV_ENOMEM;
    poll_->ready = ready;
    poll_->context = context;
    int result = uv_poll_init(loop, &poll_->handle, fd);
    if (result != 0) {
      delete poll_;
      poll_ = nullptr;
      return result;
    }
    poll_->handle.data = poll_;
    uv_unref(reinterpret_cast<uv_handle_t*>(&poll_->handle));
    return 0;
  }

  int start() { return poll_ == nullptr ? UV_EINVAL : uv_poll_start(&poll_->handle, UV_READABLE, on_poll); }
  void stop() {
    if (poll_ != nullptr) uv_poll_stop(&poll_->handle);
  }
  // A referenced handle keeps the event loop alive.
  void set_referenced(bool referenced) {
    if (poll_ == nullptr) return;
    auto* handle = reinterpret_cast<uv_handle_t*>(&poll_->handle);
    if (referenced) {
      uv_ref(handle);
    } else {
      uv_unref(handle);
    }
  }
  bool is_open() const { return poll_ != nullptr; }

  // The descriptor must stay open until `closed` runs (at once where the handle was never opened).
  void close(closed_fn closed, void* context) {
    if (poll_ == nullptr) {
      if (closed != nullptr) closed(context);
      return;
    }
    poll_->ready = nullptr;
    poll_->closed = closed;
    poll_->context = context;
    uv_poll_stop(&poll_->handle);
    uv_close(reinterpret_cast<uv_handle_t*>(&poll_->handle), on_closed);
    poll_ = nullptr;
  }

 private:
  struct state {
    uv_poll_t handle;
    ready_fn ready = nullptr;
    closed_fn closed = nullptr;
    void* context = nullptr;
  };

  static void on_poll(uv_poll_t* handle, int, int) {
    auto* self = static_cast<state*>(handle->data);
    if (self->ready != nullptr) self->ready(self->context);
  }
  static void on_closed(uv_handle_t* handle) {
    auto* self = static_cast<state*>(handle->data);
    if (self->closed != nullptr) self->closed(self->context);
    delete self;
  }

  state* poll_ = nullptr;
};

}  // namespace sendzc
