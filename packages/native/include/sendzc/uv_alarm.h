// A uv_timer_t that fires once, and never keeps the event loop alive.
#pragma once

#include <uv.h>

#include <new>

namespace sendzc {

class uv_alarm {
 public:
  using ring_fn = void (*)(void* context);

  uv_alarm() = default;
  uv_alarm(const uv_alarm&) = delete;
  uv_alarm& operator=(const uv_alarm&) = delete;
  ~uv_alarm() { close(); }

  // Makes the timer at the first call. 0 or a negated errno.
  int set(uv_loop_t* loop, int after_ms, ring_fn ring, void* context) {
    if (timer_ == nullptr) {
      timer_ = new (std::nothrow) state;
      if (timer_ == nullptr) return UV_ENOMEM;
      uv_timer_init(loop, &timer_->handle);
      timer_->handle.data = timer_;
      uv_unref(reinterpret_cast<uv_handle_t*>(&timer_->handle));
    }
    timer_->ring = ring;
    timer_->context = context;
    return uv_timer_start(&timer_->handle, on_timer, static_cast<uint64_t>(after_ms), 0);
  }
  bool is_set() const { return timer_ != nullptr && uv_is_active(reinterpret_cast<const uv_handle_t*>(&timer_->handle)) != 0; }

  // The loop frees the timer in a later turn, which touches nothing else.
  void close() {
    if (timer_ == nullptr) return;
    uv_timer_stop(&timer_->handle);
    uv_close(reinterpret_cast<uv_handle_t*>(&timer_->handle), [](uv_handle_t* handle) { delete static_cast<state*>(handle->data); });
    timer_ = nullptr;
  }

 private:
  struct state {
    uv_timer_t handle;
    ring_fn ring = nullptr;
    void* context = nullptr;
  };

  static void on_timer(uv_timer_t* handle) {
    auto* self = static_cast<state*>(handle->data);
    self->ring(self->context);
  }

  state* timer_ = nullptr;
};

}  // namespace sendzc
