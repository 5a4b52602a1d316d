// Anonymous memory of its own mapping, in huge pages where the kernel gives them: a send without a copy takes a reference for each page,
// and there are 512 times fewer. System-call layer.
#pragma once

#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <cstring>

#include "unique_fd.h"

#ifndef MADV_POPULATE_WRITE
#define MADV_POPULATE_WRITE 23  // 5.14
#endif

namespace sendzc {

// Mirrored by packages/sendmsg/src/buffer-pool.ts.
enum class page_kind : int32_t { small = 0, transparent_huge = 1, reserved_huge = 2 };

class mapped_region {
 public:
  static constexpr size_t huge_page_bytes = size_t{2} << 20;
  static constexpr size_t max_bytes = size_t{16} << 30;

  mapped_region() = default;
  mapped_region(const mapped_region&) = delete;
  mapped_region& operator=(const mapped_region&) = delete;
  // The kernel keeps the pages that it still reads: unmapping gives none of them away.
  ~mapped_region() {
    if (mapping_ != nullptr) munmap(mapping_, mapped_bytes_);
  }

  // Maps `bytes`, rounded up to huge pages where those are wanted, and touches every page. 0 or a negated errno.
  int map(size_t bytes, bool wants_huge) {
    if (bytes == 0 || bytes > max_bytes) return -EINVAL;
    if (!wants_huge) return map_pages(bytes, 0) ? populate() : -errno;
    size_t rounded = (bytes + huge_page_bytes - 1) / huge_page_bytes * huge_page_bytes;
    if (map_pages(rounded, MAP_HUGETLB)) {
      kind_ = page_kind::reserved_huge;
      return populate();
    }
    // One more, so that the memory can begin where a huge page can.
    if (!map_pages(rounded + huge_page_bytes, 0)) return -errno;
    uintptr_t at = reinterpret_cast<uintptr_t>(mapping_);
    memory_ = mapping_ + (huge_page_bytes - at % huge_page_bytes) % huge_page_bytes;
    bytes_ = rounded;
    madvise(memory_, bytes_, MADV_HUGEPAGE);
    int error = populate();
    // All of it: one small page in the midst would make a send from there cost more than its neighbours do.
    if (error == 0 && huge_bytes() >= bytes_) kind_ = page_kind::transparent_huge;
    return error;
  }

  uint8_t* memory() const { return memory_; }
  size_t bytes() const { return bytes_; }
  page_kind kind() const { return kind_; }

 private:
  bool map_pages(size_t bytes, int flags) {
    void* at = mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | flags, -1, 0);
    if (at == MAP_FAILED) return false;
    mapping_ = memory_ = static_cast<uint8_t*>(at);
    mapped_bytes_ = bytes_ = bytes;
    return true;
  }

  int populate() {
    if (madvise(memory_, bytes_, MADV_POPULATE_WRITE) == 0) return 0;
    if (errno != EINVAL) return -errno;
    memset(memory_, 0, bytes_);
    return 0;
  }

  // Bytes of the memory in transparent huge pages, as the kernel says in /proc/self/smaps: under a line that begins with the range of a
  // mapping, a line `AnonHugePages: N kB`. Read without stdio, whose scanning differs between C libraries.
  size_t huge_bytes() const {
    unique_fd maps(::open("/proc/self/smaps", O_RDONLY | O_CLOEXEC));
    char chunk[4096];
    char line[64] = {};
    size_t length = 0;
    bool is_inside = false;
    size_t found = 0;
    for (ssize_t bytes; maps && (bytes = ::read(maps.get(), chunk, sizeof(chunk))) > 0;) {
      for (ssize_t at = 0; at < bytes; at++) {
        if (chunk[at] != '\n') {
          if (length < sizeof(line) - 1) line[length++] = chunk[at];
          continue;
        }
        line[length] = 0;
        length = 0;
        found += huge_bytes_in(line, is_inside);
      }
    }
    return found;
  }

  size_t huge_bytes_in(const char* line, bool& is_inside) const {
    constexpr char key[] = "AnonHugePages:";
    if (strncmp(line, key, sizeof(key) - 1) == 0) return is_inside ? strtoull(line + sizeof(key) - 1, nullptr, 10) * 1024 : 0;
    char* rest = nullptr;
    uintptr_t begin = strtoull(line, &rest, 16);
    if (*rest != '-') return 0;
    uintptr_t end = strtoull(rest + 1, &rest, 16);
    if (*rest != ' ') return 0;
    uintptr_t memory = reinterpret_cast<uintptr_t>(memory_);
    is_inside = begin < memory + bytes_ && end > memory;
    return 0;
  }

  uint8_t* mapping_ = nullptr;
  size_t mapped_bytes_ = 0;
  uint8_t* memory_ = nullptr;
  size_t bytes_ = 0;
  page_kind kind_ = page_kind::small;
};

}  // namespace sendzc
