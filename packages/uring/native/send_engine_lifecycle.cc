// Opening and closing: the ring's capacities, drivers, and the end of the environment.
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <unistd.h>

#include <algorithm>
#include <utility>

#include "send_engine.h"
#include "sendzc/send_queue.h"

namespace sendzc {

int send_engine::open(const ring_settings& settings, uint32_t first_generation) {
  first_generation_ = last_generation_ = first_generation;
  failed_call_ = "io_uring_setup";
  int result = ring_.open(settings);
  if (result != 0) return result;
  if (!ring_.supports(IORING_OP_SEND_ZC) || !ring_.supports(IORING_OP_SENDMSG_ZC)) {
    ring_.close();
    return -EOPNOTSUPP;
  }
  // Two completions per message, and one per driver for a poll: together never more than the queue holds.
  token_limit_ = ring_.completion_entries() / 8 * 3;
  pins_ = std::make_unique<pin_pool>(token_limit_ * pins_per_token + max_segments);
  indexes_ = index_pool(std::min(user_data::max_drivers, ring_.completion_entries() / 4));
  page_bytes_ = static_cast<size_t>(sysconf(_SC_PAGESIZE));
  headers_.resize(ring_.submission_entries());
  iovecs_.resize(max_held_segments);
  failed_call_ = "io_uring_enter";
  result = probe_usage_report();
  if (result != 0) ring_.close();
  return result;
}

int send_engine::register_region(std::shared_ptr<fixed_region> region) {
  int result = ring_.register_buffer(region->base(), region->bytes());
  if (result != 0) return result;
  region_ = std::move(region);
  fixed_vectors_ = probe_fixed_vectors();
  return 0;
}

int send_engine::add_driver(int fd, const socket_facts& facts, uint32_t max_in_flight, uint32_t& index) {
  if (max_in_flight == 0 || max_in_flight > user_data::max_tokens) return -EINVAL;
  failed_call_ = "fcntl";
  unique_fd own(fcntl(fd, F_DUPFD_CLOEXEC, 0));
  if (!own) return -errno;
  failed_call_ = "io_uring_enter";
  int result = probe_socket(own.get(), is_stream(facts));
  if (result != 0) return result;
  index = indexes_.take();
  if (index == index_pool::none) return -ENOBUFS;
  if (index == drivers_.size()) {
    drivers_.push_back(std::make_unique<driver_slot>());
    drivers_.back()->generation = first_generation_;
  }
  driver_slot& driver = *drivers_[index];
  uint32_t generation = driver.generation + 1;
  if (generation > last_generation_) last_generation_ = generation;
  driver = driver_slot();
  driver.generation = generation & user_data::generation_mask;
  driver.fd = std::move(own);
  driver.index = index;
  driver.max_in_flight = max_in_flight;
  driver.stream = is_stream(facts);
  driver.tcp = driver.stream && (facts.domain == AF_INET || facts.domain == AF_INET6);
  driver.domain = facts.domain;
  driver.takes_envelopes = takes_envelopes(facts);
  driver.used = true;
  driver.open = true;
  open_drivers_++;
  return 0;
}

// 0 with the result of the probe request, which is read in the queue without consuming anything; or a negated errno.
int send_engine::run_probe(io_uring_sqe* sqe, int32_t& answer) {
  sqe->user_data = user_data::of(request_kind::probe);
  uint32_t seen = ring_.ready();
  // The probe does not wait for the end of a back-off, so that opening reports its error at once.
  retry_at_ms_ = 0;
  flush(nullptr);
  if (failed_enters_ > 0) {
    // Requests that the kernel has not taken stay held, and must not use a descriptor that may be closed by then.
    uint32_t held = ring_.held();
    for (uint32_t at = 0; at < held; at++) {
      if (user_data::kind(ring_.held_sqe(at).user_data) != request_kind::probe) continue;
      io_uring_prep_nop(&ring_.held_sqe(at));
      ring_.held_sqe(at).user_data = user_data::of(request_kind::dead);
    }
    return -enter_error_;
  }
  for (uint32_t round = 0; round < probe_rounds; round++) {
    for (; seen < ring_.ready(); seen++) {
      const io_uring_cqe& cqe = ring_.peek(seen);
      if (user_data::kind(cqe.user_data) != request_kind::probe || (cqe.flags & IORING_CQE_F_NOTIF) != 0) continue;
      answer = cqe.res;
      return 0;
    }
    int result = ring_.wait(seen + 1, probe_round_ms);
    if (result < 0 && result != -EINTR) return result;
  }
  return -ETIME;
}

// The kernel checks for an unknown flag (EINVAL) before it charges memory against RLIMIT_MEMLOCK (ENOMEM), and that before it looks at the
// bad descriptor (EBADF). ENOMEM counts as well: a ring that was opened while memory was short would otherwise take later copies for
// zero-copy sends.
int send_engine::probe_usage_report() {
  io_uring_sqe* sqe = ring_.take_sqe();
  io_uring_prep_send(sqe, -1, nullptr, 0, MSG_NOSIGNAL);
  sqe->opcode = IORING_OP_SEND_ZC;
  sqe->ioprio = IORING_SEND_ZC_REPORT_USAGE;
  int32_t answer = 0;
  int result = run_probe(sqe, answer);
  report_usage_ = answer == -EBADF || answer == -ENOMEM;
  return result;
}

// Registered vectors came with Linux 6.15. Every kernel checks the flag before it looks at the bad descriptor.
bool send_engine::probe_fixed_vectors() {
  iovecs_[0] = {region_->base(), 1};
  headers_[0] = {};
  headers_[0].msg_iov = &iovecs_[0];
  headers_[0].msg_iovlen = 1;
  io_uring_sqe* sqe = ring_.take_sqe();
  io_uring_prep_sendmsg(sqe, -1, &headers_[0], MSG_NOSIGNAL);
  sqe->opcode = IORING_OP_SENDMSG_ZC;
  sqe->ioprio = IORING_RECVSEND_FIXED_BUF;
  int32_t answer = 0;
  return run_probe(sqe, answer) == 0 && answer == -EBADF;
}

// Asks with a send that cannot send anything: no bytes on a stream, and on a datagram socket more bytes than a datagram holds. A socket
// without zero-copy answers EOPNOTSUPP before the kernel looks at the length. Any other answer means that the socket has zero-copy.
int send_engine::probe_socket(int fd, bool stream) {
  constexpr size_t oversized_datagram_bytes = 0x10000;
  static uint8_t never_read = 0;
  if (!make_submission_room(1)) return -EAGAIN;
  io_uring_sqe* sqe = ring_.take_sqe();
  io_uring_prep_send(sqe, fd, &never_read, stream ? 0 : oversized_datagram_bytes, MSG_NOSIGNAL | MSG_DONTWAIT);
  sqe->opcode = IORING_OP_SEND_ZC;
  int32_t answer = 0;
  int result = run_probe(sqe, answer);
  if (result != 0) return result == -ETIME ? 0 : result;
  return answer == -EOPNOTSUPP ? -EOPNOTSUPP : 0;
}

// Cancels by user_data, not by descriptor: the duplicate shares its file with the caller's socket, and with every other driver of that
// socket.
void send_engine::cancel_pending(driver_slot& driver) {
  if (driver.poll_pending) ring_.cancel(user_data::of_poll(driver));
  for (uint32_t token = 0; token < driver.tokens.size() && driver.unsent > 0; token++) {
    if (driver.tokens[token].state != token_state::unsent || driver.tokens[token].run_length == 0) continue;
    ring_.cancel(user_data::of(driver, token));
  }
}

void send_engine::abort(driver_slot& driver) {
  neutralise_held(driver, true);
  if (driver.tcp) {
    // Dissolves the association: the peer gets a reset, and the kernel drops the queues of the socket with their references.
    sockaddr nowhere = {};
    nowhere.sa_family = AF_UNSPEC;
    (void)connect(driver.fd.get(), &nowhere, sizeof(nowhere));
  } else if (driver.stream) {
    (void)shutdown(driver.fd.get(), SHUT_RDWR);
  }
  cancel_pending(driver);
  flush(&driver);
  collect(&driver);
}

int32_t send_engine::undelivered(const driver_slot& driver) const {
  return driver.tcp ? std::max(0, undelivered_bytes(driver.fd.get())) : 0;
}

int64_t send_engine::acknowledged(const driver_slot& driver) const {
  return driver.tcp ? std::max<int64_t>(0, acknowledged_bytes(driver.fd.get())) : 0;
}

int64_t send_engine::close(driver_slot& driver) {
  neutralise_held(driver, false);
  cancel_pending(driver);
  flush(&driver);
  collect(&driver);
  // Their memory was never shared, and nobody waits for their answers any more.
  while (driver.first_due != token_slot::none) {
    token_slot& slot = driver.tokens[driver.first_due];
    driver.first_due = slot.next_due;
    slot.state = token_state::free;
    driver.in_flight--;
    if (driver.first_due == token_slot::none) answer_due_drivers_--;
  }
  if (driver.starved) {
    driver.starved = false;
    starved_drivers_--;
  }
  driver.open = false;
  set_armed(driver, 0);
  follow_driver(driver);
  driver.fd.reset();
  open_drivers_--;
  owed_drivers_++;
  if (driver.in_flight == 0 && !driver.poll_pending) forget(driver);
  return driver.totals.pinned_bytes;
}

void send_engine::forget(driver_slot& driver) {
  driver.used = false;
  owed_drivers_--;
  driver.tokens = {};
  driver.table_pin.reset();
  driver.envelopes_pin.reset();
  driver.filled_envelopes.reset();
  indexes_.retire(driver.index);
}

void send_engine::drain_until(uint64_t deadline_ms) {
  int32_t words[(max_run_messages + 2) * event_buffer::words_per_event];
  event_buffer discarded(words, sizeof(words) / sizeof(words[0]));
  while (tokens_in_kernel_ > 0) {
    discarded.clear();
    reap(discarded, true);
    if (tokens_in_kernel_ == 0) return;
    uint64_t now = now_ms();
    if (now >= deadline_ms) return;
    // A wait that fails returns at once: another one would spin.
    if (ring_.ready() == 0 && ring_.wait(1, static_cast<uint32_t>(deadline_ms - now)) < 0) return;
  }
}

void send_engine::drain(uint32_t drain_ms, uint32_t abort_ms) {
  for (auto& driver : drivers_) {
    if (!driver->open) continue;
    neutralise_held(*driver, false);
    cancel_pending(*driver);
  }
  flush(nullptr);
  collect(nullptr);
  drain_until(now_ms() + drain_ms);
  if (tokens_in_kernel_ == 0) return;
  for (auto& driver : drivers_) {
    if (driver->open && driver->in_flight > 0) abort(*driver);
  }
  drain_until(now_ms() + abort_ms);
}

int64_t send_engine::leak() {
  int64_t leaked = 0;
  for (auto& driver : drivers_) {
    if (!driver->used) continue;
    if (driver->unsent > 0) driver->filled_envelopes.release();
    for (uint32_t token = 0; token < driver->tokens.size(); token++) {
      token_slot& slot = driver->tokens[token];
      if (slot.state == token_state::unsent || slot.state == token_state::sent) leaked += pins_->leak(slot.pins);
    }
  }
  return leaked;
}

}  // namespace sendzc
