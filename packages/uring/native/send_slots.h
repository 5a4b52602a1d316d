// The engine's state for one driver and for one of its messages, and the user_data by which a request names both.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "sendzc/envelope.h"
#include "sendzc/handle.h"
#include "sendzc/pinned_buffer.h"
#include "sendzc/unique_fd.h"

namespace sendzc {

enum class token_state : uint8_t {
  free,
  unsent,      // held or in the kernel, and not yet answered
  sent,        // answered; the kernel will notify
  answer_due,  // not in the ring: its answer is known, and the next reap delivers it
};

// The system call that answered a message.
enum class answer_source : uint8_t {
  request,       // a request in the ring
  plain_call,    // sendmsg, without the ring
  failed_enter,  // no request: io_uring_enter itself failed
  plain_batch,   // sendmmsg, without the ring
};

struct token_slot {
  static constexpr uint32_t none = UINT32_MAX;

  uint32_t pins = pin_pool::none;
  uint32_t next_due = none;
  int32_t result = 0;  // while answer_due: its answer
  uint32_t sequence = 0;
  uint32_t next_in_run = none;
  uint32_t run_length = 0;  // of the first token of a run: how many messages its request carries
  token_state state = token_state::free;
  answer_source source = answer_source::request;
  bool failed = false;    // answered with an error: whatever notification follows, the memory was not sent
  bool given_up = false;  // answered before its request was: the kernel has that, and io_uring_enter fails
  bool zerocopy = false;  // asks for it: counted in shared_in_flight
  // For the first token of a run: the run may begin in the packet buffer of an earlier request that is not released. Linux 6.10 and later
  // then link its notification to that of the earlier request (io_link_skb, io_uring/notif.c). Only the earlier one learns what became of
  // the buffer. This one is reported as copied (zc_used stays false) although the memory is shared.
  // one as copied (zc_used stays false) although the memory is shared.
  bool joins_packet = false;
  int64_t bytes = 0;
};

struct driver_totals {
  uint64_t send_calls = 0;
  uint64_t collect_calls = 0;
  uint64_t empty_collect_calls = 0;
  uint64_t notifications = 0;
  uint64_t notified_messages = 0;
  int64_t pinned_bytes = 0;
};

struct driver_slot {
  unique_fd fd;
  uint32_t index = 0;
  uint32_t generation = 0;
  uint32_t max_in_flight = 0;
  uint32_t in_flight = 0;  // tokens that are not free
  uint32_t unsent = 0;
  uint32_t armed = 0;
  uint32_t first_due = token_slot::none;
  uint32_t last_due = token_slot::none;
  bool used = false;  // open, or closed with tokens in the kernel
  bool open = false;
  bool stream = false;
  bool tcp = false;
  bool poll_pending = false;
  bool starved = false;           // was refused for want of room in the ring
  bool waits_in_ring = false;     // polling this socket does not wait: copies go through the ring, too
  int64_t joined_bytes = 0;       // sent zero-copy since a request last ended its packet buffer
  bool packet_ended = false;      // the last request that asks for zero-copy ends its packet buffer
  uint32_t shared_in_flight = 0;  // tokens in flight that ask for zero-copy
  bool referenced = true;         // its waiting keeps the event loop alive
  bool waits = false;             // armed or unanswered: counted in waiting_drivers_
  bool holds_loop = false;        // and referenced: counted in loop_drivers_
  // As many as the highest used token needs: a driver that has sent nothing holds none.
  std::vector<token_slot> tokens;
  // The table that describes the messages of a batch: SendBatch.table of packages/core/src/driver/send-batch.ts.
  const uint32_t* table = nullptr;
  size_t table_words = 0;
  memory_pin table_pin;
  // The words of envelopes beside it: SendBatch.envelopes.
  const uint32_t* envelopes = nullptr;
  memory_pin envelopes_pin;
  // One per token, made with the first: the kernel reads the control data of a request whenever it tries to send.
  std::unique_ptr<envelope[]> filled_envelopes;
  envelope_socket envelope_options;
  int32_t domain = 0;
  bool takes_envelopes = false;
  driver_totals totals;
};

enum class request_kind : uint32_t { send = 0, poll = 1, kick = 2, probe = 3, dead = 4 };

// What a request carries to its completions: 3 bits of kind, 12 of the driver's generation, 16 of its index, 15 of the token, 18 of the
// token's sequence. The sequence is needed: a linked request that is cancelled before it was issued answers without IORING_CQE_F_MORE, and
// its notification follows all the same (seen on 6.18). By then another message may have the token, and that notification must not release
// it.
struct user_data {
  static constexpr uint32_t max_drivers = 1u << 16;
  static constexpr uint32_t max_tokens = 1u << 15;
  static constexpr uint32_t generation_mask = (1u << 12) - 1;
  static constexpr uint32_t sequence_mask = (1u << 18) - 1;

  static uint64_t pack(request_kind kind, uint32_t generation, uint32_t driver, uint32_t token, uint32_t sequence) {
    return (static_cast<uint64_t>(kind) << 61) | (static_cast<uint64_t>(generation & generation_mask) << 49) |
           (static_cast<uint64_t>(driver) << 33) | (static_cast<uint64_t>(token) << 18) | (sequence & sequence_mask);
  }
  static uint64_t of(request_kind kind) { return pack(kind, 0, 0, 0, 0); }
  static uint64_t of(const driver_slot& driver, uint32_t token) {
    return pack(request_kind::send, driver.generation, driver.index, token, driver.tokens[token].sequence);
  }
  static uint64_t of_poll(const driver_slot& driver) { return pack(request_kind::poll, driver.generation, driver.index, 0, 0); }
  static request_kind kind(uint64_t data) { return static_cast<request_kind>(data >> 61); }
  static uint32_t generation(uint64_t data) { return static_cast<uint32_t>(data >> 49) & generation_mask; }
  static uint32_t driver(uint64_t data) { return static_cast<uint32_t>(data >> 33) & (max_drivers - 1); }
  static uint32_t token(uint64_t data) { return static_cast<uint32_t>(data >> 18) & (max_tokens - 1); }
  static uint32_t sequence(uint64_t data) { return static_cast<uint32_t>(data) & sequence_mask; }
};

}  // namespace sendzc
