// When io_uring_enter itself fails: retries with a back-off, up to a bound, and what is told to whom after it.
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
  // Given up already: each call that somebody makes tries once.
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

// What the kernel has not seen is answered with EIO, whatever the errno was (nobody is to try again at once), and let go of. What it has
// seen is answered, too, but stays pinned: whether it is sent is not known, nor when the kernel lets go.
void send_engine::give_up() {
  if (ring_.held() > 0) take_back_unsubmitted(-EIO, answer_source::failed_enter);
  giving_up_ = true;
}

void send_engine::answer_given_up(event_buffer& events) {
  giving_up_ = false;
  // An enter has worked since: the kernel answers by itself.
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
    // Who waits for room is woken: the next message is told what is wrong.
    if (!driver.open || (driver.armed & wake_writable) == 0 || driver.starved) continue;
    driver.starved = true;
    starved_drivers_++;
  }
}

}  // namespace sendzc
