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

int32_t environment::arm(driver& of, uint32_t bits) {
  if (wait_error_ != 0) return wait_error_;
  uint32_t wanted = of.armed | bits;
  if (wanted == of.armed) return 0;
  if (of.sends.awaits_retry()) {
    set_armed(of, wanted);
    await_retry(of);
    return 0;
  }
  bool writable = (wanted & wake_writable) != 0 || of.sends.waits_for_room();
  registration as = of.watched == registration::edges ? registration::edges
                    : of.may_be_kept && !writable     ? registration::kept
                                                      : registration::one_shot;
  // A write at a time waits for one notification at a time: this spares each its epoll_ctl.
  bool still_watched = as == registration::kept && of.watched == as && of.drained_on_wake;
  int error = still_watched ? 0 : wakes_.arm(of.sends.fd(), of.watched, writable, as, of.handle());
  if (error == 0) set_armed(of, wanted);
  return error;
}

void environment::disarm(driver& of, uint32_t bits) {
  uint32_t left = of.armed & ~bits;
  if (left == of.armed) return;
  set_armed(of, left);
  if (left == 0) wakes_.remove(of.sends.fd(), of.watched);
}

// Reports every armed driver that is ready, with one call into JavaScript as long as the event buffer holds it.
void environment::deliver_wakes() {
  epoll_event ready[wake_set::max_events_per_wait];
  size_t rounds = slots_.size() / wake_set::max_events_per_wait + 1;
  fresh_events();
  for (size_t round = 0; round < rounds && !ending_; round++) {
    int count = wakes_.wait(ready, wake_set::max_events_per_wait);
    if (count < 0) {
      wait_failed(count);
      break;
    }
    wait_retry_.succeeded();
    for (int i = 0; i < count; i++) wake_by_handle(static_cast<uint32_t>(ready[i].data.u64), ready[i].events);
    if (count < wake_set::max_events_per_wait) break;
  }
  if (!ending_) flush_events();
}

void environment::wake_by_handle(uint32_t handle, uint32_t ready) {
  driver* woken = find(handle);
  if (woken == nullptr) return;
  if (events_.room() < woken->max_in_flight() + 1) flush_events();
  // JavaScript has run meanwhile, and may have closed this driver.
  if (find(handle) == woken) wake(*woken, ready);
}

void environment::wake(driver& woken, uint32_t ready) {
  if (woken.armed == 0) {
    if (woken.watched != registration::kept) return;
    // Its notifications are collected by other means: each would be a turn of the event loop for nothing.
    woken.may_be_kept = false;
    wakes_.remove(woken.sends.fd(), woken.watched);
    return;
  }
  bool error = (ready & (EPOLLERR | EPOLLHUP)) != 0;
  bool roomy = (ready & EPOLLOUT) != 0;
  bool due = error || (roomy && woken.sends.waits_for_room());
  uint32_t found = due ? woken.sends.collect(woken, woken.sends.in_flight() == 0) : 0;
  woken.drained_on_wake = found > 0 && woken.sends.last_collection_was_complete();
  uint32_t fired = found > 0 ? static_cast<uint32_t>(wake_notification) : 0;
  if (roomy) fired |= wake_writable;
  if (woken.sends.pending_error() != 0) fired = ~0u;
  fired &= woken.armed;
  if (fired != 0) {
    woken.collected_on_wake = found > 0;
    woken.report_wake(fired);
    set_armed(woken, woken.armed & ~fired);
  }
  if (woken.armed == 0) {
    if (woken.watched == registration::edges) wakes_.remove(woken.sends.fd(), woken.watched);
    return;
  }
  if (woken.sends.awaits_retry()) {
    wakes_.remove(woken.sends.fd(), woken.watched);
    await_retry(woken);
    return;
  }
  if (woken.watched == registration::edges || woken.watched == registration::kept) return;
  // The error brought no notification: the condition lasts (a pending socket error, a hang-up), so only changes are to be reported.
  bool writable = (woken.armed & wake_writable) != 0 || woken.sends.waits_for_room();
  registration as = error && found == 0 ? registration::edges : registration::one_shot;
  if (wakes_.arm(woken.sends.fd(), woken.watched, writable, as, woken.handle()) == 0) return;
  // The writer arms again, and arm() then returns the errno of epoll_ctl.
  woken.report_wake(woken.armed);
  set_armed(woken, 0);
}

void environment::await_retry(driver& of) {
  if (!of.waits_for_retry) retries_.push_back(of.handle());
  of.waits_for_retry = true;
  retry_after(of.sends.retry_left_ms());
}

// The timer takes the shortest delay that is asked for. A driver that is not due by then asks again.
void environment::retry_after(int delay_ms) {
  if (timer_.is_running() && delay_ms >= timer_delay_ms_) return;
  timer_delay_ms_ = delay_ms;
  timer_.start(static_cast<uint32_t>(delay_ms));
}

void environment::retry() {
  if (wait_retry_.is_failing() && wait_error_ == 0) poll_.start();
  std::vector<uint32_t> waiting;
  waiting.swap(retries_);
  fresh_events();
  for (uint32_t handle : waiting) {
    driver* of = ending_ ? nullptr : find(handle);
    if (of == nullptr) continue;
    of->waits_for_retry = false;
    if (of->armed == 0) continue;
    if (of->sends.retry_left_ms() > 0) {
      await_retry(*of);
    } else {
      wake_by_handle(handle, EPOLLERR | (of->sends.awaits_send_retry() ? static_cast<uint32_t>(EPOLLOUT) : 0));
    }
  }
  if (!ending_) flush_events();
}

// While epoll_wait fails, its descriptor stays readable and the event loop would spin: polling pauses, and ends after max_failures.
void environment::wait_failed(int error) {
  poll_.stop();
  if (wait_retry_.failed()) return retry_after(wait_retry_.left_ms());
  wait_error_ = error;
  for (slot& at : slots_) {
    if (at.open == nullptr || at.open->armed == 0) continue;
    if (events_.room() == 0) flush_events();
    at.open->report_wake(at.open->armed);
    set_armed(*at.open, 0);
  }
}

void environment::flush_events() {
  if (events_.size() == 0) return;
  on_events_.call(static_cast<uint32_t>(events_.size()));
  // JavaScript dispatches before its own calls return, so the events that these wrote meanwhile are read as well.
  fresh_events();
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
