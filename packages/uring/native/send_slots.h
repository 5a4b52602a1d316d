// What the engine keeps for one driver and for one of its messages, and how both are named in the user_data of a request.
#pragma once

#include <cstdint>
#include <memory>

#include "sendzc/pinned_buffer.h"
#include "sendzc/unique_fd.h"

namespace sendzc {

enum class token_state : uint8_t {
  free,
  unsent,    // held or in the kernel, and not yet answered
  sent,      // answered; the kernel will notify
  rejected,  // never handed to the kernel; its answer is to be delivered
};

struct token_slot {
  static constexpr uint32_t none = UINT32_MAX;

  uint32_t pins = pin_pool::none;
  uint32_t next_rejected = none;
  int32_t error = 0;
  token_state state = token_state::free;
  bool failed = false;  // answered with an error: whatever notification follows, the memory was not sent
  int64_t bytes = 0;
};

struct driver_totals {
  uint64_t send_calls = 0;
  uint64_t collect_calls = 0;
  uint64_t empty_collect_calls = 0;
  uint64_t notifications = 0;
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
  uint32_t first_rejected = token_slot::none;
  uint32_t last_rejected = token_slot::none;
  bool used = false;  // open, or closed with tokens in the kernel
  bool open = false;
  bool stream = false;
  bool tcp = false;
  bool poll_pending = false;
  bool starved = false;  // was refused for want of room in the ring
  std::unique_ptr<token_slot[]> tokens;
  driver_totals totals;
};

enum class request_kind : uint32_t { send = 0, poll = 1, kick = 2, probe = 3, dead = 4 };

// 4 bits of kind, 20 of generation, 20 of driver, 20 of token.
struct request_name {
  static constexpr uint32_t field_mask = (1u << 20) - 1;
  static constexpr uint32_t max_drivers = 1u << 16;
  static constexpr uint32_t max_tokens = 1u << 15;

  static uint64_t pack(request_kind kind, uint32_t generation, uint32_t driver, uint32_t token) {
    return (static_cast<uint64_t>(kind) << 60) | (static_cast<uint64_t>(generation & field_mask) << 40) | (static_cast<uint64_t>(driver) << 20) |
           token;
  }
  static request_kind kind(uint64_t name) { return static_cast<request_kind>(name >> 60); }
  static uint32_t generation(uint64_t name) { return static_cast<uint32_t>(name >> 40) & field_mask; }
  static uint32_t driver(uint64_t name) { return static_cast<uint32_t>(name >> 20) & field_mask; }
  static uint32_t token(uint64_t name) { return static_cast<uint32_t>(name) & field_mask; }
};

}  // namespace sendzc
