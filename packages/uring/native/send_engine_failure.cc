// The failure of io_uring_enter itself: bounded retries with a back-off, and the answers to messages once it is given up.
#include <errno.h>
#include <time.h>

#include "send_engine.h"

namespace sendzc {

uint64_t send_engine::now_ms() {
  timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return static_cast<uint64_t>(now.tv_sec) * 1000 + static_cast<uint64_t>(now.tv_nsec) / 1000000;
}

// Every enter of the engine, so that none is repeated without a bound.
int send_engine::enter(uint32_t min_completions) {
  int result = ring_.enter(min_completions);
  note_enter(result);
  return result;
}

void send_engine::note_enter(int result) {
  if (result >= 0) {
    failed_enters_ = 0;
    enter_error_ = 0;
    return;
  }
  enter_error_ = -result;
  // Given up already: each further call tries once.
  if (failed_enters_ == max_failed_enters) return give_up();
  uint32_t delay_ms = 1u << failed_enters_;
  retry_at_ms_ = now_ms() + (delay_ms < max_retry_delay_ms ? delay_ms : max_retry_delay_ms);
  if (++failed_enters_ == max_failed_enters) give_up();
}

uint32_t send_engine::retry_delay_ms() const {
  if (!will_retry()) return 0;
  uint64_t now = now_ms();
  return now < retry_at_ms_ ? static_cast<uint32_t>(retry_at_ms_ - now) : 1;
}

bool send_engine::settle() {
  if (failed_enters_ > 0) return giving_up_ || ring_.ready() > 0;
  int result = ring_.settle();
  if (result < 0) note_enter(result);
  return result > 0 || giving_up_;
}

void send_engine::retry(driver_slot* caller) {
  if (backing_off()) return;
  if (ring_.held() > 0) return flush(caller);
  enter(0);
  if (caller != nullptr) caller->totals.collect_calls++;
}

// Messages that the kernel has not seen are answered with EIO, whatever the errno was, so that nobody retries at once, and let go of.
// Messages that it has seen are answered as well but stay pinned: nothing says whether they are sent, or when the kernel lets go of them.
void send_engine::give_up() {
  if (ring_.held() > 0) take_back_unsubmitted(-EIO, answer_source::failed_enter);
  giving_up_ = true;
}

void send_engine::answer_given_up(event_buffer& events) {
  giving_up_ = false;
  // An enter has worked since, so the kernel's own answers will come.
  if (failed_enters_ == 0) return;
  for (auto& each : drivers_) {
    driver_slot& driver = *each;
    for (uint32_t token = 0; token < driver.tokens.size() && driver.unsent > 0 && driver.open; token++) {
      token_slot& slot = driver.tokens[token];
      if (slot.state != token_state::unsent) continue;
      if (events.room() == 0) {
        giving_up_ = true;
        return;
      }
      answered(driver);
      slot.state = token_state::sent;
      slot.failed = true;
      slot.given_up = true;
      slot.source = answer_source::failed_enter;
      events.push(static_cast<int32_t>(driver.index), token, event_sent, -EIO);
    }
    // Wakes a writer that waits for room: its next message is answered with the error.
    if (!driver.open || (driver.armed & wake_writable) == 0 || driver.starved) continue;
    driver.starved = true;
    starved_drivers_++;
  }
}

}  // namespace sendzc
