// A uv_timer_t that fires once for each start, and never keeps the event loop alive.
#pragma once

#include <uv.h>

#include <cstdint>
#include <new>

namespace sendzc {

class uv_timer {
 public:
  using due_fn = void (*)(void* context);
  using closed_fn = void (*)(void* context);

  uv_timer() = default;
  uv_timer(const uv_timer&) = delete;
  uv_timer& operator=(const uv_timer&) = delete;
  // Only after close(), or where open() was never called. The handle itself lives until libuv's close callback.
  ~uv_timer() = default;

  // 0 or a negated errno. The timer starts stopped.
  int open(uv_loop_t* loop, due_fn due, void* context) {
    timer_ = new (std::nothrow) state;
    if (timer_ == nullptr) return UV_ENOMEM;
    timer_->due = due;
    timer_->context = context;
    int result = uv_timer_init(loop, &timer_->handle);
    if (result != 0) {
      delete timer_;
      timer_ = nullptr;
      return result;
    }
    timer_->handle.data = timer_;
    uv_unref(reinterpret_cast<uv_handle_t*>(&timer_->handle));
    return 0;
  }

  bool is_open() const { return timer_ != nullptr; }
  bool is_running() const { return timer_ != nullptr && uv_is_active(reinterpret_cast<uv_handle_t*>(&timer_->handle)) != 0; }
  // Fires once, `delay_ms` from now; a later start replaces an earlier one.
  void start(uint32_t delay_ms) {
    if (timer_ == nullptr) return;
    // The loop's clock stands at the begin of its turn.
    uv_update_time(timer_->handle.loop);
    uv_timer_start(&timer_->handle, on_timer, delay_ms, 0);
  }
  void stop() {
    if (timer_ != nullptr) uv_timer_stop(&timer_->handle);
  }

  // `closed` runs from the event loop, or at once where the timer was never opened.
  void close(closed_fn closed, void* context) {
    if (timer_ == nullptr) {
      if (closed != nullptr) closed(context);
      return;
    }
    timer_->due = nullptr;
    timer_->closed = closed;
    timer_->context = context;
    uv_timer_stop(&timer_->handle);
    uv_close(reinterpret_cast<uv_handle_t*>(&timer_->handle), on_closed);
    timer_ = nullptr;
  }

 private:
  struct state {
    uv_timer_t handle;
    due_fn due = nullptr;
    closed_fn closed = nullptr;
    void* context = nullptr;
  };

  static void on_timer(uv_timer_t* handle) {
    auto* self = static_cast<state*>(handle->data);
    if (self->due != nullptr) self->due(self->context);
  }
  static void on_closed(uv_handle_t* handle) {
    auto* self = static_cast<state*>(handle->data);
    if (self->closed != nullptr) self->closed(self->context);
    delete self;
  }

  state* timer_ = nullptr;
};

}  // namespace sendzc
