// The kernel's report: an inclusive range of 32-bit notification ids that wraps.
#pragma once

#include <cstdint>

namespace sendzc {

struct completion_range {
  uint32_t lo = 0;
  uint32_t hi = 0;
  bool copied = false;  // the kernel fell back to copying: an outcome, not an error

  // In 32-bit arithmetic, so that [UINT32_MAX, 0] is two ids. A loop of the form `for (id = lo; id <= hi; id++)` would skip that
  // range, and would never end for one whose hi is UINT32_MAX.
  uint32_t count() const { return hi - lo + 1; }
  bool contains(uint32_t id) const { return id - lo <= hi - lo; }
};

}  // namespace sendzc
