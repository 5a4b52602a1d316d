// Handles: the integers by which JavaScript names the objects of an addon. A handle is an index and a generation. The handle of a closed
// object therefore finds nothing, even where a new object has its index.
#pragma once

#include <cstdint>
#include <vector>

namespace sendzc {

// A handle is never negative as an int32_t: a function that answers with one can answer with a negated errno instead.
template <unsigned IndexBits>
struct handle_layout {
  static constexpr uint32_t index_mask = (1u << IndexBits) - 1;
  static constexpr uint32_t generation_mask = static_cast<uint32_t>(INT32_MAX) >> IndexBits;

  static constexpr uint32_t make(uint32_t index, uint32_t generation) { return generation << IndexBits | index; }
  static constexpr uint32_t index_of(uint32_t handle) { return handle & index_mask; }
  static constexpr uint32_t generation_of(uint32_t handle) { return handle >> IndexBits; }
  static constexpr uint32_t generation_after(uint32_t generation) { return (generation + 1) & generation_mask; }
};

// The free indices of a table. The table grows with size().
class index_pool {
 public:
  static constexpr uint32_t none = UINT32_MAX;

  explicit index_pool(uint32_t limit = 0) : limit_(limit) {}

  // A free index, or none at the limit.
  uint32_t take() {
    if (free_.empty()) return size_ < limit_ ? size_++ : none;
    uint32_t index = free_.back();
    free_.pop_back();
    return index;
  }
  void give_back(uint32_t index) { free_.push_back(index); }
  // The index is free from the next recycle() on: events that hold it may still wait to be read.
  void retire(uint32_t index) { retired_.push_back(index); }
  void recycle() {
    if (retired_.empty()) return;
    free_.insert(free_.end(), retired_.begin(), retired_.end());
    retired_.clear();
  }
  // Indices that were ever taken.
  uint32_t size() const { return size_; }

 private:
  uint32_t limit_;
  uint32_t size_ = 0;
  std::vector<uint32_t> free_;
  std::vector<uint32_t> retired_;
};

}  // namespace sendzc
