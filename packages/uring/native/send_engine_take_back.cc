// Taking back: requests that the ring holds and that the kernel has not seen.
#include <errno.h>

#include "send_engine.h"

namespace sendzc {

// Takes a run back before the kernel has seen it. With error 0 its messages get no answer.
void send_engine::take_back_run(driver_slot& driver, uint32_t leader, int error, answer_source source) {
  driver.packet_ended = false;
  for (uint32_t token = leader; token != token_slot::none;) {
    uint32_t next = driver.tokens[token].next_in_run;
    free_token(driver, driver.tokens[token]);
    driver.tokens[token].source = source;
    if (error != 0) answer_without_ring(driver, token, error);
    token = next;
  }
}

// Removes from the ring the requests that the kernel did not take, and answers them: -EAGAIN where the kernel ran out of memory for
// requests, -EIO where io_uring_enter is given up.
void send_engine::take_back_unsubmitted(int error, answer_source source) {
  uint32_t left = ring_.held();
  for (uint32_t at = 0; at < left; at++) {
    io_uring_sqe& sqe = ring_.held_sqe(at);
    uint64_t data = sqe.user_data;
    driver_slot* driver = user_data::driver(data) < drivers_.size() ? drivers_[user_data::driver(data)].get() : nullptr;
    request_kind kind = user_data::kind(data);
    if (kind == request_kind::kick) kick_pending_ = false;
    if (driver == nullptr || (kind != request_kind::send && kind != request_kind::poll)) continue;
    if (!driver->starved && driver->open && (kind == request_kind::poll || source == answer_source::request)) {
      driver->starved = true;
      starved_drivers_++;
    }
    if (kind == request_kind::poll) {
      driver->poll_pending = false;
      continue;
    }
    take_back_run(*driver, user_data::token(data), error, source);
  }
  linked_held_ = 0;
  ring_.retract();
}

// Turns the held messages of a driver into requests that do nothing. With `report` each message is answered as not attempted. Without it
// the driver is being closed, and another socket will have its descriptor.
void send_engine::neutralise_held(driver_slot& driver, bool report) {
  for (uint32_t at = 0; at < ring_.held(); at++) {
    io_uring_sqe& sqe = ring_.held_sqe(at);
    uint64_t data = sqe.user_data;
    request_kind kind = user_data::kind(data);
    bool polls = kind == request_kind::poll && !report;
    if ((kind != request_kind::send && !polls) || user_data::driver(data) != driver.index) continue;
    io_uring_prep_nop(&sqe);
    sqe.flags = 0;
    sqe.user_data = user_data::of(request_kind::dead);
    if (polls) {
      driver.poll_pending = false;
      continue;
    }
    take_back_run(driver, user_data::token(data), report ? -ECANCELED : 0, answer_source::request);
  }
}

}  // namespace sendzc
