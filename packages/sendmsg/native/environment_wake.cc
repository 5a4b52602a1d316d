// Wake-ups: what the event loop finds ready, and what is tried again by a timer.
#include <errno.h>

#include "environment.h"

namespace sendzc {

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
  // Where one write waits at a time, this saves the epoll_ctl of each.
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
    // Its notifications are collected without a wake-up, so that each report would turn the event loop for nothing.
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

}  // namespace sendzc
