// How often a system call that fails is tried again, and how long between two tries.
#pragma once

#include <time.h>

#include <cstdint>

namespace sendzc {

inline int64_t monotonic_ms() {
  timespec now{};
  clock_gettime(CLOCK_MONOTONIC, &now);
  return static_cast<int64_t>(now.tv_sec) * 1000 + now.tv_nsec / 1000000;
}

class retry_pause {
 public:
  // Failures in a row after which a call is given up. The pauses between them add up to 254 ms.
  static constexpr int max_failures = 8;
  // After the first failure; each further pause is twice as long.
  static constexpr int first_pause_ms = 2;

  void succeeded() { failures_ = 0; }
  // Counts a failure. False at the last one that is allowed in a row: the call is given up.
  bool failed() {
    if (failures_ < max_failures) failures_++;
    not_before_ms_ = monotonic_ms() + (first_pause_ms << (failures_ - 1));
    return failures_ < max_failures;
  }
  bool is_failing() const { return failures_ > 0; }
  // Milliseconds until the next try is due; 0 where it is due.
  int left_ms() const {
    if (failures_ == 0) return 0;
    int64_t left = not_before_ms_ - monotonic_ms();
    return left > 0 ? static_cast<int>(left) : 0;
  }

 private:
  int failures_ = 0;
  int64_t not_before_ms_ = 0;
};

}  // namespace sendzc
