// Events from a driver to JavaScript, written to an Int32Array that JavaScript owns: no allocation, no call per event.
// The layout is mirrored by packages/core/src/driver/event-dispatch.ts.
#pragma once

#include <cstddef>
#include <cstdint>

namespace sendzc {

enum event_bits : int32_t {
  event_sent = 1,      // `result` is bytes or a negated errno
  event_released = 2,  // with one of release_* in bits 4-6
  event_wake = 4,      // `result` is wake bits; `token` is unused
};

enum release_kind : int32_t {
  release_none = 0 << 4,
  release_zerocopy = 1 << 4,
  release_copied = 2 << 4,
  release_undetermined = 3 << 4,
  release_abandoned = 4 << 4,
};

enum wake_bits : int32_t { wake_writable = 1, wake_notification = 2 };

class event_buffer {
 public:
  static constexpr size_t words_per_event = 4;

  event_buffer(int32_t* words, size_t word_count) : words_(words), capacity_(word_count / words_per_event) {}

  const int32_t* words() const { return words_; }
  size_t size() const { return size_; }
  size_t room() const { return capacity_ - size_; }
  void clear() { size_ = 0; }

  // The caller has checked room(): capacities are fixed at open so that one call can never exceed them.
  void push(int32_t driver, uint32_t token, int32_t bits, int32_t result) {
    int32_t* at = words_ + size_++ * words_per_event;
    at[0] = driver;
    at[1] = static_cast<int32_t>(token);
    at[2] = bits;
    at[3] = result;
  }

 private:
  int32_t* words_;
  size_t capacity_;
  size_t size_ = 0;
};

}  // namespace sendzc
