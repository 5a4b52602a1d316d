#include "environment.h"

#include <errno.h>

#include <new>
#include <utility>

#include "drain.h"
#include "inline_notification.h"

namespace sendzc {

namespace {

// Frees memory, or keeps it for the life of the process, without an event for JavaScript.
class silent_sink final : public release_sink {
 public:
  explicit silent_sink(pin_pool& pins) : pins_(pins) {}
  int64_t leaked_bytes() const { return leaked_bytes_; }
  void on_released(uint32_t, uint32_t chain, bool) override { pins_.release(chain); }
  void on_unshared(uint32_t, uint32_t chain) override { pins_.release(chain); }
  void on_abandoned(uint32_t, uint32_t chain) override { leaked_bytes_ += pins_.leak(chain); }

 private:
  pin_pool& pins_;
  int64_t leaked_bytes_ = 0;
};

}  // namespace

int32_t environment::initialize(Napi::Value on_events, bool is_main_thread) {
  is_main_thread_ = is_main_thread;
  int32_t failure = join_loop();
  if (failure != 0) return failure;
  return on_events_.set(env_, "sendzc", on_events) ? 0 : pack_failure(system_call::none, -ENOMEM);
}

// May be called again after it failed.
int32_t environment::join_loop() {
  if (poll_.is_open()) return 0;
  uv_loop_t* loop = nullptr;
  int error = wakes_.open();
  if (error != 0) return pack_failure(system_call::epoll_create1, error);
  if (napi_get_uv_event_loop(env_, &loop) != napi_ok) return pack_failure(system_call::none, -EINVAL);
  if (!timer_.is_open()) error = timer_.open(loop, on_timer, this);
  if (error != 0) return pack_failure(system_call::none, error);
  error = poll_.open(loop, wakes_.fd(), on_ready, this);
  if (error == 0) error = poll_.start();
  return error == 0 ? 0 : pack_failure(system_call::epoll_ctl, error);
}

void environment::use_events(Napi::Value array, elements_view<int32_t> words) {
  events_array_ = Napi::Persistent(array);
  events_ = event_buffer(words.data, words.length);
}

event_buffer& environment::fresh_events() {
  events_.clear();
  indexes_.recycle();
  return events_;
}

notification_source* environment::shared_source(notification_path path) {
  if (path == notification_path::none) return nullptr;
  if (path == notification_path::recvmsg) return &one_by_one_;
  return &batched_;
}

std::unique_ptr<notification_source> environment::make_inline_source(const driver_request& request) {
  return std::unique_ptr<notification_source>(new (std::nothrow) inline_notification(request.cmsg_type, request.inline_capacity, batched_));
}

int32_t environment::open_driver(const driver_request& request, opened_socket& opened) {
  if (!request.within_dispatch) fresh_events();
  bool zerocopy = request.path != notification_path::none;
  if (zerocopy && !pinning_available()) {
    opened.stage = open_stage::pinning;
    return -ENOTSUP;
  }
  int error = open_socket(request.fd, zerocopy, opened);
  if (error != 0) return error;
  uint32_t index = indexes_.take();
  if (index == index_pool::none) {
    opened.stage = open_stage::limit;
    return -EMFILE;
  }
  if (index == slots_.size()) slots_.emplace_back();
  slot& at = slots_[index];
  uint32_t handle = driver::handles::make(index, at.generation);
  bool rides = request.path == notification_path::on_sends;
  std::unique_ptr<notification_source> own = rides ? make_inline_source(request) : nullptr;
  at.open.reset(new (std::nothrow) driver(handle, std::move(opened), request.max_in_flight, request.interval, shared_source(request.path),
                                          std::move(own), events_));
  if (at.open == nullptr) {
    indexes_.give_back(index);
    opened.stage = open_stage::limit;
    return -ENOMEM;
  }
  return static_cast<int32_t>(handle);
}

driver* environment::find(uint32_t handle) {
  uint32_t index = driver::handles::index_of(handle);
  if (index >= slots_.size() || slots_[index].generation != driver::handles::generation_of(handle)) return nullptr;
  return slots_[index].open.get();
}

int environment::socket_of(uint32_t handle) {
  driver* found = find(handle);
  return found == nullptr ? -1 : found->sends.fd();
}

int64_t environment::send_file(uint32_t handle, int file, int64_t offset, int64_t bytes) {
  driver* found = find(handle);
  return found == nullptr ? -EBADF : found->sends.send_file(file, offset, bytes);
}

int64_t environment::close_driver(uint32_t handle) {
  driver* closing = find(handle);
  if (closing == nullptr) return 0;
  disarm(*closing, ~0u);
  wakes_.remove(closing->sends.fd(), closing->watched);
  silent_sink silent(closing->pins);
  closing->sends.collect(silent, false);
  closing->sends.abandon(silent);
  int64_t left_bytes = closing->abandoned_bytes + silent.leaked_bytes();
  uint32_t index = driver::handles::index_of(handle);
  slots_[index].open.reset();
  slots_[index].generation = driver::handles::generation_after(slots_[index].generation);
  indexes_.retire(index);
  return left_bytes;
}

void environment::set_armed(driver& of, uint32_t bits) {
  keep_alive(of.armed != 0 && of.referenced, bits != 0 && of.referenced);
  of.armed = bits;
}

void environment::set_referenced(driver& of, bool referenced) {
  keep_alive(of.armed != 0 && of.referenced, of.armed != 0 && referenced);
  of.referenced = referenced;
}

void environment::keep_alive(bool before, bool now) {
  if (before != now) keeping_alive_ += now ? 1 : -1;
  poll_.set_referenced(keeping_alive_ > 0);
}

// The thread ends while the kernel may still read memory: wait a little, then abort the connection so that the kernel lets go, and keep
// what remains for the life of the process.
void environment::drain_at_end(driver& ending) {
  silent_sink silent(ending.pins);
  if (!is_main_thread_ && drain(ending.sends, teardown_drain_ms, silent) > 0 && ending.sends.abort() == 0) {
    drain(ending.sends, teardown_drain_ms, silent);
  }
  ending.sends.abandon(silent);
}

void environment::begin_teardown(void (*done)(void*), void* context) {
  ending_ = true;
  for (slot& at : slots_) {
    if (at.open == nullptr) continue;
    wakes_.remove(at.open->sends.fd(), at.open->watched);
    drain_at_end(*at.open);
    at.open.reset();
  }
  forget_javascript();
  timer_.close(nullptr, nullptr);
  poll_.close(done, context);
}

void environment::forget_javascript() {
  on_events_.forget();
  events_array_.Reset();
  control_.forget();
}

}  // namespace sendzc
