// Page-aligned memory that a ring registers once, cut into slots of equal size. The region counts the kernel's uses of each slot, so that
// the pool does not hand one out again too early. The pages themselves need no pin: the network stack holds a reference on each page that
// it still reads, and unmapped pages never become malloc's.
#pragma once

#include <errno.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cstddef>
#include <cstdint>
#include <vector>

namespace sendzc {

class fixed_region {
 public:
  // The kernel registers at most 1 GiB as one buffer (io_uring_register(2)).
  static constexpr size_t max_bytes = size_t{1} << 30;

  fixed_region() = default;
  fixed_region(const fixed_region&) = delete;
  fixed_region& operator=(const fixed_region&) = delete;
  ~fixed_region() {
    if (base_ != nullptr) munmap(base_, mapped_);
  }

  // 0 or a negated errno. Slots begin on page boundaries.
  int map(uint32_t count, size_t slot_bytes) {
    size_t page = static_cast<size_t>(sysconf(_SC_PAGESIZE));
    stride_ = (slot_bytes + page - 1) / page * page;
    if (count == 0 || slot_bytes == 0 || stride_ > max_bytes / count) return -EINVAL;
    mapped_ = stride_ * count;
    void* at = mmap(nullptr, mapped_, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (at == MAP_FAILED) return -errno;
    base_ = static_cast<uint8_t*>(at);
    in_flight_.assign(count, 0);
    return 0;
  }

  uint8_t* base() const { return base_; }
  size_t bytes() const { return mapped_; }
  size_t stride() const { return stride_; }
  uint32_t count() const { return static_cast<uint32_t>(in_flight_.size()); }

  bool contains(const uint8_t* data, size_t bytes) const {
    return data >= base_ && data < base_ + mapped_ && bytes <= static_cast<size_t>(base_ + mapped_ - data);
  }
  uint32_t slot_of(const uint8_t* data) const { return static_cast<uint32_t>(static_cast<size_t>(data - base_) / stride_); }
  void add_use(uint32_t slot) { in_flight_[slot]++; }
  void drop_use(uint32_t slot) { in_flight_[slot]--; }
  uint32_t in_flight(uint32_t slot) const { return slot < in_flight_.size() ? in_flight_[slot] : 0; }

 private:
  uint8_t* base_ = nullptr;
  size_t mapped_ = 0;
  size_t stride_ = 0;
  std::vector<uint32_t> in_flight_;
};

}  // namespace sendzc
