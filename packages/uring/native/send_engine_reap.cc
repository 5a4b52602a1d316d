// Completion: from the ring's completions to events.
#include <errno.h>
#include <poll.h>

#include "send_engine.h"

namespace sendzc {

void send_engine::collect(driver_slot* caller) {
  if (failed_enters_ > 0) return retry(caller);
  if (!ring_.work_pending()) return;
  uint32_t before = ring_.ready();
  enter(0);
  // A call from the event loop is counted on the driver whose completion comes first.
  if (caller == nullptr && ring_.ready() > 0) {
    uint64_t data = ring_.peek(0).user_data;
    if (user_data::kind(data) == request_kind::send) caller = find(user_data::driver(data));
  }
  if (caller == nullptr) return;
  caller->totals.collect_calls++;
  if (ring_.ready() == before) caller->totals.empty_collect_calls++;
}

void send_engine::answered(driver_slot& driver) {
  if (--driver.unsent == 0) follow_driver(driver);
}

void send_engine::reap(event_buffer& events, bool from_loop) {
  reaping_from_loop_ = from_loop;
  indexes_.recycle();
  uint32_t ready = ring_.ready();
  uint32_t taken = 0;
  while (taken < ready && events.room() >= events_of(ring_.peek(taken))) complete(ring_.peek(taken++), events);
  ring_.consume(taken);
  if (giving_up_) answer_given_up(events);
  if (answer_due_drivers_ > 0) deliver_due_answers(events);
  if (starved_drivers_ > 0) deliver_room(events);
}

// The most events that a completion can make: one for each message of its run, and a wake-up.
size_t send_engine::events_of(const io_uring_cqe& cqe) const {
  uint64_t data = cqe.user_data;
  uint32_t index = user_data::driver(data);
  if (user_data::kind(data) != request_kind::send || index >= drivers_.size()) return 2;
  const driver_slot& driver = *drivers_[index];
  uint32_t token = user_data::token(data);
  return driver.used && token < driver.tokens.size() ? driver.tokens[token].run_length + 1 : 2;
}

void send_engine::complete(const io_uring_cqe& cqe, event_buffer& events) {
  uint64_t data = cqe.user_data;
  request_kind kind = user_data::kind(data);
  if (kind == request_kind::kick) kick_pending_ = false;
  if (kind != request_kind::send && kind != request_kind::poll) return;
  uint32_t index = user_data::driver(data);
  if (index >= drivers_.size()) return;
  driver_slot& driver = *drivers_[index];
  // An index is used again only when the kernel owes nothing to its former driver. The generation proves it.
  if (!driver.used || user_data::generation(data) != driver.generation) return;
  if (kind == request_kind::poll) {
    complete_poll(driver, cqe.res, events);
  } else {
    complete_send(driver, cqe, events);
  }
  if (!driver.open && driver.in_flight == 0 && !driver.poll_pending) forget(driver);
}

void send_engine::complete_poll(driver_slot& driver, int32_t ready, event_buffer& events) {
  driver.poll_pending = false;
  // An error that lasts (entries on the error queue that nobody reads) ends each poll at once. Only a request in the ring can then wait.
  if (ready >= 0 && (ready & POLLOUT) == 0) driver.waits_in_ring = true;
  if (!driver.open || (driver.armed & wake_writable) == 0) return;
  set_armed(driver, driver.armed & ~static_cast<uint32_t>(wake_writable));
  events.push(static_cast<int32_t>(driver.index), 0, event_wake, wake_writable);
}

void send_engine::complete_send(driver_slot& driver, const io_uring_cqe& cqe, event_buffer& events) {
  uint32_t token = user_data::token(cqe.user_data);
  if (token >= driver.tokens.size()) return;
  token_slot& slot = driver.tokens[token];
  // A notification for a message that has had its last answer already: see user_data.
  if (slot.sequence != user_data::sequence(cqe.user_data)) return;
  if ((cqe.flags & IORING_CQE_F_NOTIF) == 0) {
    if (slot.state == token_state::unsent) {
      answer_run(driver, token, cqe, events);
    } else if (slot.given_up && (cqe.flags & IORING_CQE_F_MORE) == 0) {
      release_run(driver, token, events);
    }
    return;
  }
  if (slot.state != token_state::sent) return;
  driver.totals.notifications++;
  // Before Linux 6.2 the kernel does not report copies, and the result is 0.
  bool copied = (static_cast<uint32_t>(cqe.res) & IORING_NOTIF_USAGE_ZC_COPIED) != 0;
  release_kind kind = !copied ? release_zerocopy : slot.joins_packet ? release_undetermined : release_copied;
  while (token != token_slot::none) {
    const token_slot& each = driver.tokens[token];
    uint32_t next = each.next_in_run;
    driver.totals.notified_messages++;
    push_release(driver, token, each.failed ? release_none : kind, 0, events);
    token = next;
  }
}

// Releases a run whose messages were answered without the kernel, which is done with it now.
void send_engine::release_run(driver_slot& driver, uint32_t leader, event_buffer& events) {
  for (uint32_t token = leader; token != token_slot::none;) {
    uint32_t next = driver.tokens[token].next_in_run;
    push_release(driver, token, release_none, 0, events);
    token = next;
  }
}

// Divides the result of a request among its messages: bytes go to the first ones, an error to the first alone, and messages that the kernel
// did not reach are answered as not attempted.
void send_engine::answer_run(driver_slot& driver, uint32_t leader, const io_uring_cqe& cqe, event_buffer& events) {
  bool more = (cqe.flags & IORING_CQE_F_MORE) != 0;
  int64_t left = cqe.res;
  bool ended = false;
  for (uint32_t token = leader; token != token_slot::none;) {
    token_slot& slot = driver.tokens[token];
    uint32_t next = slot.next_in_run;
    int32_t result = -ECANCELED;
    if (cqe.res < 0) {
      if (token == leader) result = cqe.res;
    } else if (!ended && (left > 0 || slot.bytes == 0)) {
      result = static_cast<int32_t>(left < slot.bytes ? left : slot.bytes);
      ended = left < slot.bytes;
      left -= result;
    } else {
      ended = true;
    }
    answered(driver);
    slot.state = token_state::sent;
    slot.failed = result < 0;
    // MSG_EOR takes effect with the last byte of a request.
    if (result < slot.bytes) driver.packet_ended = false;
    if (!more) {
      push_release(driver, token, event_sent | release_none, result, events);
    } else if (driver.open) {
      events.push(static_cast<int32_t>(driver.index), token, event_sent, result);
    }
    token = next;
  }
}

void send_engine::push_release(driver_slot& driver, uint32_t token, int32_t bits, int32_t result, event_buffer& events) {
  free_token(driver, driver.tokens[token]);
  if (!driver.open) return;
  events.push(static_cast<int32_t>(driver.index), token, bits | event_released, result);
  if ((driver.armed & wake_notification) == 0 || (!reaping_from_loop_ && driver.shared_in_flight > 0)) return;
  set_armed(driver, driver.armed & ~static_cast<uint32_t>(wake_notification));
  events.push(static_cast<int32_t>(driver.index), 0, event_wake, wake_notification);
}

// Runs after the answers of the messages before them, so that answers keep the order of the batch.
void send_engine::deliver_due_answers(event_buffer& events) {
  for (auto& each : drivers_) {
    driver_slot& driver = *each;
    if (driver.first_due == token_slot::none || driver.unsent > 0) continue;
    while (driver.first_due != token_slot::none && events.room() >= 1) {
      uint32_t token = driver.first_due;
      token_slot& slot = driver.tokens[token];
      driver.first_due = slot.next_due;
      slot.state = token_state::free;
      driver.in_flight--;
      if (driver.open) events.push(static_cast<int32_t>(driver.index), token, event_sent | event_released | release_none, slot.result);
    }
    if (driver.first_due == token_slot::none) answer_due_drivers_--;
  }
}

// Wakes drivers that were refused for want of room, in turn, as many as there is room for.
void send_engine::deliver_room(event_buffer& events) {
  // The submission queue may be full of requests that cannot be handed over.
  if (will_retry()) return;
  uint32_t count = static_cast<uint32_t>(drivers_.size());
  uint32_t room = token_limit_ > tokens_in_kernel_ ? token_limit_ - tokens_in_kernel_ : 0;
  for (uint32_t i = 0; i < count && room > 0 && starved_drivers_ > 0 && events.room() >= 1; i++) {
    starved_cursor_ = starved_cursor_ + 1 < count ? starved_cursor_ + 1 : 0;
    driver_slot& driver = *drivers_[starved_cursor_];
    if (!driver.starved || (driver.armed & wake_writable) == 0) continue;
    driver.starved = false;
    starved_drivers_--;
    room--;
    set_armed(driver, driver.armed & ~static_cast<uint32_t>(wake_writable));
    events.push(static_cast<int32_t>(driver.index), 0, event_wake, wake_writable);
  }
}

bool send_engine::owes_room() const {
  if (starved_drivers_ == 0 || kick_pending_ || will_retry() || tokens_in_kernel_ >= token_limit_) return false;
  for (const auto& each : drivers_) {
    if (each->starved && (each->armed & wake_writable) != 0) return true;
  }
  return false;
}

void send_engine::set_armed(driver_slot& driver, uint32_t bits) {
  bool changes = (driver.armed == 0) != (bits == 0);
  driver.armed = bits;
  if (changes) follow_driver(driver);
}

// Counts a driver that waits for a wake-up or for an answer. For a closed driver the event loop has no reason to wait.
void send_engine::follow_driver(driver_slot& driver) {
  bool waits = driver.open && (driver.armed != 0 || driver.unsent > 0);
  bool holds_loop = waits && driver.referenced;
  if (waits != driver.waits) waiting_drivers_ += waits ? 1u : ~0u;
  if (holds_loop != driver.holds_loop) loop_drivers_ += holds_loop ? 1u : ~0u;
  driver.waits = waits;
  driver.holds_loop = holds_loop;
}

void send_engine::set_referenced(driver_slot& driver, bool referenced) {
  driver.referenced = referenced;
  follow_driver(driver);
}

void send_engine::arm(driver_slot& driver, uint32_t bits) {
  bool writable = (bits & ~driver.armed & wake_writable) != 0;
  set_armed(driver, driver.armed | bits);
  if (!writable) return;
  if (driver.starved) {
    // Even where there is room already, the wake-up comes from the event loop.
    if (has_room(1)) kick();
  } else if (!driver.poll_pending) {
    submit_poll(driver);
  }
}

void send_engine::disarm(driver_slot& driver, uint32_t bits) { set_armed(driver, driver.armed & ~bits); }

void send_engine::unpin(uint32_t chain) {
  fixed_region* region = region_.get();
  pins_->release(chain, [region](uint32_t tag) {
    if (tag != pin_pool::none && region != nullptr) region->drop_use(tag);
  });
}

void send_engine::free_token(driver_slot& driver, token_slot& slot) {
  if (slot.state == token_state::unsent) answered(driver);
  unpin(slot.pins);
  slot.pins = pin_pool::none;
  driver.totals.pinned_bytes -= slot.bytes;
  slot.bytes = 0;
  slot.state = token_state::free;
  if (slot.zerocopy) driver.shared_in_flight--;
  slot.zerocopy = false;
  driver.in_flight--;
  tokens_in_kernel_--;
}

}  // namespace sendzc
