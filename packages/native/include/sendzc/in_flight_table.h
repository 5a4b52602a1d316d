// Messages in flight, by notification id. The kernel gives each zero-copy message the next 32-bit id of its socket, and reports
// ids in ranges that arrive out of order and wrap. A slot is found by `id & mask`, so release takes constant time per id and never
// depends on position.
#pragma once

#include <cstdint>
#include <vector>

#include "completion_range.h"

namespace sendzc {

class in_flight_table {
 public:
  static constexpr uint32_t max_capacity = 1u << 17;

  // The message of one id. `chain` names the pins of its memory (see pin_pool); the table does not read it.
  struct entry {
    uint32_t token = 0;
    uint32_t chain = 0;
    bool used = false;
  };

  // The capacity is `min_capacity` rounded up to a power of two, and at most max_capacity. The first message allocates the memory.
  explicit in_flight_table(uint32_t min_capacity) : mask_(round_up(min_capacity) - 1) {}

  uint32_t capacity() const { return mask_ + 1; }
  // Messages in flight.
  uint32_t size() const { return size_; }
  // The id that the kernel will give to the next zero-copy message.
  uint32_t next_id() const { return next_; }
  // True where one message more than `pending` fits without reaching the oldest id in flight.
  bool has_room(uint32_t pending = 0) const { return next_ - oldest_ + pending <= mask_; }

  // Starts counting at `id`. Only while nothing is in flight.
  void rebase(uint32_t id) {
    oldest_ = id;
    next_ = id;
  }

  // The caller has checked has_room().
  uint32_t add(uint32_t token, uint32_t chain) {
    if (entries_.empty()) entries_.resize(capacity());
    uint32_t id = next_++;
    entry& e = entries_[id & mask_];
    e.token = token;
    e.chain = chain;
    e.used = true;
    size_++;
    return id;
  }

  // Accounts for an id that the kernel used and that belongs to no message in flight.
  void skip() {
    if (!entries_.empty()) entries_[next_ & mask_].used = false;
    next_++;
    trim();
  }

  // Releases the ids of `range` that are in flight and calls `released(const entry&, uint32_t id)` for each, in order of id. Returns their
  // number. Ids outside the window and ids released before are skipped, so that the capacity bounds the work for any range.
  template <typename Released>
  uint32_t release(const completion_range& range, Released&& released) {
    uint32_t first = 0;
    uint32_t count = overlap(range, first);
    uint32_t done = 0;
    for (uint32_t i = 0; i < count; i++) {
      entry& e = entries_[(first + i) & mask_];
      if (!e.used) continue;
      e.used = false;
      size_--;
      done++;
      released(static_cast<const entry&>(e), first + i);
    }
    trim();
    return done;
  }

  // Removes every message in flight and calls `dropped(const entry&, uint32_t id)` for each.
  template <typename Dropped>
  void clear(Dropped&& dropped) {
    if (next_ != oldest_) release(completion_range{oldest_, next_ - 1, false}, dropped);
  }

  // True where the range contains an id that no message has yet.
  bool is_ahead(const completion_range& range) const { return range.hi - next_ < UINT32_MAX / 2; }

 private:
  static uint32_t round_up(uint32_t wanted) {
    uint32_t capacity = 2;
    while (capacity < wanted && capacity < max_capacity) capacity <<= 1;
    return capacity;
  }

  // The part of `range` inside the window [oldest_, next_), as first id and count.
  uint32_t overlap(const completion_range& range, uint32_t& first) const {
    uint32_t window = next_ - oldest_;
    uint32_t count = range.count();
    uint32_t offset = range.lo - oldest_;
    if (offset >= window) {
      uint32_t before = oldest_ - range.lo;
      if (before >= count) return 0;
      count -= before;
      offset = 0;
    }
    first = oldest_ + offset;
    return count < window - offset ? count : window - offset;
  }

  void trim() {
    while (oldest_ != next_ && (entries_.empty() || !entries_[oldest_ & mask_].used)) oldest_++;
  }

  std::vector<entry> entries_;
  uint32_t mask_ = 0;
  uint32_t oldest_ = 0;
  uint32_t next_ = 0;
  uint32_t size_ = 0;
};

}  // namespace sendzc
