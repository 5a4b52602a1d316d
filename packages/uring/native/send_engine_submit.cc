// Submission: from a batch of messages to requests in the ring.
#include <errno.h>
#include <poll.h>

#include <algorithm>
#include <utility>

#include "send_engine.h"

namespace sendzc {

bool send_engine::has_room(uint32_t segments) const {
  return tokens_in_kernel_ < token_limit_ && pins_->free_count() >= segments && iovecs_used_ + segments <= iovecs_.size();
}

// False where the kernel does not take the held requests.
bool send_engine::make_submission_room(uint32_t entries) {
  if (ring_.space() < entries) flush(batch_.driver);
  return ring_.space() >= entries;
}

void send_engine::begin_batch(driver_slot& driver, uint32_t messages, bool hands_over, bool copies_only) {
  if (iovecs_used_ > 0 && ring_.all_consumed()) iovecs_used_ = 0;
  batch_ = {};
  run_ = {};
  batch_.driver = &driver;
  batch_.messages = messages;
  batch_.alone = hands_over && (messages == 1 || (copies_only && !driver.stream));
  // No message may overtake the unanswered messages of this driver, nor those whose answer `try again` is still to be delivered.
  batch_.broken = driver.unsent > 0 || driver.first_due != token_slot::none;
  if (iovecs_used_ > max_held_segments - max_segments) flush(&driver);
  // A chain of links ends where a submission ends, so the whole of it has to fit.
  if (messages <= ring_.submission_entries()) make_submission_room(messages);
}

admission send_engine::begin_message(uint32_t token, uint32_t segments) {
  driver_slot& driver = *batch_.driver;
  if (token >= driver.max_in_flight || segments > max_segments) return admission::misused;
  if (token >= driver.tokens.size()) {
    size_t wanted = std::max<size_t>({first_tokens, driver.tokens.size() * 2, size_t{token} + 1});
    driver.tokens.resize(std::min<size_t>(wanted, driver.max_in_flight));
  }
  if (driver.tokens[token].state != token_state::free) return admission::misused;
  int error = 0;
  if (batch_.broken) {
    error = -ECANCELED;
  } else if (!has_room(segments) || ring_.space() == 0) {
    error = -EAGAIN;
  }
  if (error != 0) {
    // The gathered copies leave first, since this message is answered now.
    send_copies(driver);
    if (error == -EAGAIN && !driver.starved) {
      driver.starved = true;
      starved_drivers_++;
    }
    batch_.broken = true;
    driver.tokens[token].source = answer_source::request;
    answer_without_ring(driver, token, error);
    return admission::rejected;
  }
  batch_.token = token;
  batch_.chain = pin_pool::none;
  batch_.first_iovec = iovecs_used_;
  batch_.segments = 0;
  batch_.to = nullptr;
  batch_.bytes = 0;
  batch_.pages = 0;
  batch_.fixed = true;
  return admission::accepted;
}

void send_engine::add_segment(const uint8_t* data, size_t bytes, memory_pin pin) {
  if (static_cast<int64_t>(bytes) > max_message_bytes - batch_.bytes) {
    bytes = static_cast<size_t>(max_message_bytes - batch_.bytes);
    batch_.clipped = true;
  }
  uint32_t tag = pin_pool::none;
  if (region_ != nullptr && region_->contains(data, bytes)) {
    tag = region_->slot_of(data);
    region_->add_use(tag);
    pin.reset();
  } else {
    batch_.fixed = false;
  }
  batch_.chain = pins_->push(batch_.chain, std::move(pin), bytes, tag);
  iovecs_[iovecs_used_++] = {const_cast<uint8_t*>(data), bytes};
  batch_.segments++;
  batch_.pages += ((reinterpret_cast<uintptr_t>(data) & (page_bytes_ - 1)) + bytes + page_bytes_ - 1) / page_bytes_;
  batch_.bytes += static_cast<int64_t>(bytes);
}

bool send_engine::set_envelope(const uint32_t* words) {
  driver_slot& driver = *batch_.driver;
  int error = -EINVAL;
  if (driver.takes_envelopes) {
    if (driver.filled_envelopes == nullptr) driver.filled_envelopes = std::make_unique<envelope[]>(driver.max_in_flight);
    batch_.to = &driver.filled_envelopes[batch_.token];
    error = batch_.to->fill(words, driver.fd.get(), driver.domain, driver.envelope_options);
  }
  if (error == 0) return true;
  send_copies(driver);
  driver.tokens[batch_.token].source = answer_source::plain_call;
  answer_without_ring(driver, batch_.token, error);
  return false;
}

void send_engine::drop_message() {
  unpin(batch_.chain);
  iovecs_used_ = batch_.first_iovec;
}

void send_engine::end_message(bool zerocopy) {
  driver_slot& driver = *batch_.driver;
  bool share = zerocopy && (driver.stream || batch_.pages <= max_datagram_pages);
  if (!share && copies_go_at_once()) return send_without_ring(driver);
  token_slot& slot = driver.tokens[batch_.token];
  slot.pins = batch_.chain;
  slot.bytes = batch_.bytes;
  slot.state = token_state::unsent;
  slot.failed = false;
  slot.given_up = false;
  slot.source = answer_source::request;
  slot.zerocopy = share;
  slot.next_in_run = token_slot::none;
  slot.run_length = 0;
  slot.sequence = (slot.sequence + 1) & user_data::sequence_mask;
  driver.totals.pinned_bytes += batch_.bytes;
  driver.in_flight++;
  if (driver.unsent++ == 0) follow_driver(driver);
  tokens_in_kernel_++;
  if (joins_run(share)) {
    join_run();
  } else {
    begin_run(slot, share);
  }
  if (share) driver.shared_in_flight++;
  if (driver.tcp && share) note_joined(driver);
  if (driver.stream && batch_.clipped) batch_.broken = true;
}

// Adjoining messages of a stream leave as one request, which keeps their order and needs one answer.
bool send_engine::joins_run(bool zerocopy) const {
  if (!batch_.driver->stream || run_.sqe == nullptr || run_.zerocopy != zerocopy) return false;
  if (run_.segments + batch_.segments > max_segments || run_.length >= max_run_messages) return false;
  if (run_.bytes + batch_.bytes > max_message_bytes) return false;
  if (!zerocopy) return true;
  return run_.bytes + batch_.bytes <= max_joined_bytes && run_.fixed == batch_.fixed && (!run_.fixed || fixed_vectors_);
}

void send_engine::begin_run(token_slot& slot, bool zerocopy) {
  driver_slot& driver = *batch_.driver;
  io_uring_sqe* previous = run_.sqe;
  run_ = {};
  run_.header = &headers_[ring_.next_index()];
  run_.sqe = ring_.take_sqe();
  run_.leader = batch_.token;
  run_.last = batch_.token;
  run_.length = 1;
  run_.first_iovec = batch_.first_iovec;
  run_.segments = batch_.segments;
  run_.bytes = batch_.bytes;
  run_.zerocopy = zerocopy;
  run_.fixed = batch_.fixed;
  slot.run_length = 1;
  slot.joins_packet = zerocopy && driver.tcp && driver.shared_in_flight > 0 && !driver.packet_ended;
  if (zerocopy) driver.packet_ended = false;
  prepare_run();
  // No message joins a datagram. With one segment and no envelope its request is a SEND, which carries the address itself: the iovec is
  // free again.
  if (!driver.stream && batch_.segments <= 1 && batch_.to == nullptr) iovecs_used_ = batch_.first_iovec;
  // The kernel issues a linked request when the one before it is queued: on a full socket all of them wait, in their order.
  if (previous == nullptr) return;
  previous->flags |= IOSQE_IO_LINK;
  linked_held_++;
}

void send_engine::join_run() {
  driver_slot& driver = *batch_.driver;
  driver.tokens[run_.last].next_in_run = batch_.token;
  driver.tokens[run_.leader].run_length = ++run_.length;
  run_.last = batch_.token;
  run_.segments += batch_.segments;
  run_.bytes += batch_.bytes;
  if (run_.segments > batch_.segments + 1) {
    run_.header->msg_iovlen = run_.segments;
  } else {
    prepare_run();
  }
}

void send_engine::note_joined(driver_slot& driver) {
  driver.joined_bytes += batch_.bytes;
  if (driver.joined_bytes < max_joined_bytes) return;
  driver.joined_bytes = 0;
  run_.ends_packet = true;
  driver.packet_ended = true;
  run_.sqe->msg_flags |= MSG_EOR;
}

void send_engine::prepare_run() {
  driver_slot& driver = *batch_.driver;
  io_uring_sqe* sqe = run_.sqe;
  int fd = driver.fd.get();
  // On a stream the kernel continues after a partial send by itself, so that only a failure makes a result short.
  uint32_t flags = MSG_NOSIGNAL;
  if (driver.stream) flags |= MSG_WAITALL;
  if (run_.ends_packet) flags |= MSG_EOR;
  bool single = run_.segments <= 1 && batch_.to == nullptr;
  if (single) {
    void* data = run_.segments == 0 ? nullptr : iovecs_[run_.first_iovec].iov_base;
    io_uring_prep_send(sqe, fd, data, static_cast<size_t>(run_.bytes), static_cast<int>(flags));
  } else {
    *run_.header = {};
    run_.header->msg_iov = &iovecs_[run_.first_iovec];
    run_.header->msg_iovlen = run_.segments;
    if (batch_.to != nullptr) batch_.to->address(*run_.header);
    io_uring_prep_sendmsg(sqe, fd, run_.header, flags);
  }
  sqe->user_data = user_data::of(driver, run_.leader);
  if (!run_.zerocopy) return;
  sqe->opcode = single ? IORING_OP_SEND_ZC : IORING_OP_SENDMSG_ZC;
  if (report_usage_) sqe->ioprio |= IORING_SEND_ZC_REPORT_USAGE;
  if (!run_.fixed || run_.segments == 0 || (!single && !fixed_vectors_)) return;
  sqe->ioprio |= IORING_RECVSEND_FIXED_BUF;
  sqe->buf_index = 0;
}

// Answers at the next reap a message that the ring does not see. `result` is the number of bytes sent or a negated errno.
void send_engine::answer_without_ring(driver_slot& driver, uint32_t token, int result) {
  token_slot& slot = driver.tokens[token];
  slot.state = token_state::answer_due;
  slot.result = result;
  slot.next_due = token_slot::none;
  driver.in_flight++;
  if (driver.first_due == token_slot::none) {
    driver.first_due = token;
    answer_due_drivers_++;
  } else {
    driver.tokens[driver.last_due].next_due = token;
  }
  driver.last_due = token;
}

void send_engine::flush(driver_slot* caller) {
  uint32_t held = ring_.held();
  if (held == 0 || backing_off()) return;
  uint32_t linked = linked_held_;
  uint32_t expected = ring_.ready() + held;
  if (expected > ring_.completion_entries()) expected = ring_.completion_entries();
  // Completion work issues each link of a chain. Deferred work runs only for a caller who asks for completions.
  int result = enter(linked > 0 && ring_.deferred() ? expected : 0);
  if (caller != nullptr) caller->totals.send_calls++;
  if (result < 0) return;
  linked_held_ = 0;
  if (ring_.held() > 0) take_back_unsubmitted(-EAGAIN, answer_source::request);
  uint32_t rounds = linked < max_chain_rounds ? linked : max_chain_rounds;
  for (uint32_t i = 0; i < rounds && ring_.ready() < expected && ring_.work_pending(); i++) {
    if (enter(0) < 0) break;
    if (caller != nullptr) caller->totals.collect_calls++;
  }
  if (ring_.all_consumed()) iovecs_used_ = 0;
}

void send_engine::kick() {
  if (kick_pending_ || !make_submission_room(1)) return;
  io_uring_sqe* sqe = ring_.take_sqe();
  io_uring_prep_nop(sqe);
  sqe->user_data = user_data::of(request_kind::kick);
  kick_pending_ = true;
  flush(nullptr);
}

void send_engine::submit_poll(driver_slot& driver) {
  if (!make_submission_room(1)) return;
  io_uring_sqe* sqe = ring_.take_sqe();
  io_uring_prep_poll_add(sqe, driver.fd.get(), POLLOUT);
  sqe->user_data = user_data::of_poll(driver);
  driver.poll_pending = true;
  flush(&driver);
}

}  // namespace sendzc
