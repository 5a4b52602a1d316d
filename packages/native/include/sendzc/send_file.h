// Files that leave by sendfile(2). System-call layer: no JavaScript here. Functions answer with a count or a negated errno.
#pragma once

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#include <cstdint>
#include <utility>
#include <vector>

#include "unique_fd.h"

#ifndef RWF_NOWAIT
#define RWF_NOWAIT 0x00000008  // 4.14
#endif

namespace sendzc {

// The kernel's structures of cachestat(2), 6.5.
struct page_cache_range {
  uint64_t offset;
  uint64_t bytes;
};
struct page_cache_state {
  uint64_t cached_pages;
  uint64_t dirty_pages;
  uint64_t writeback_pages;
  uint64_t evicted_pages;
  uint64_t recently_evicted_pages;
};
constexpr long cachestat_call = 451;

struct file_facts {
  int64_t bytes = 0;
  uint32_t mode = 0;
  int32_t flags = 0;  // those of open(2)
  uint64_t inode = 0;
  double changed_at = 0;  // seconds
};

// Descriptors of the files that are being sent: duplicates, so that closing the caller's does no harm. The rest is closed with the
// environment.
class file_set {
 public:
  // The descriptor of the duplicate, or a negated errno.
  int open(int fd, file_facts& facts) {
    unique_fd own(fcntl(fd, F_DUPFD_CLOEXEC, 0));
    struct stat found;
    if (!own || fstat(own.get(), &found) != 0) return -errno;
    facts.bytes = found.st_size;
    facts.mode = found.st_mode;
    facts.inode = found.st_ino;
    facts.changed_at = static_cast<double>(found.st_ctim.tv_sec) + static_cast<double>(found.st_ctim.tv_nsec) / 1e9;
    facts.flags = fcntl(own.get(), F_GETFL);
    if (facts.flags < 0) return -errno;
    size_t number = static_cast<size_t>(own.get());
    if (number >= files_.size()) files_.resize(number + 1);
    files_[number] = std::move(own);
    return files_[number].get();
  }
  bool contains(int file) const { return file >= 0 && static_cast<size_t>(file) < files_.size() && files_[static_cast<size_t>(file)]; }
  void close(int file) {
    if (contains(file)) files_[static_cast<size_t>(file)].reset();
  }

 private:
  // By their number.
  std::vector<unique_fd> files_;
};

// How far apart the bytes are that preadv2 looks at: the kernel reads ahead at least this much (VM_READAHEAD_PAGES).
constexpr int64_t probe_stride_bytes = 128 * 1024;

// Whether preadv2 finds the first byte of every stride, and the last byte, without waiting. A negated errno where the file system cannot
// say.
inline int is_cached_by_probes(int file, int64_t offset, int64_t bytes) {
  char byte;
  iovec into = {&byte, 1};
  for (int64_t at = 0; at < bytes; at = at + probe_stride_bytes < bytes || at == bytes - 1 ? at + probe_stride_bytes : bytes - 1) {
    // Directly: musl has it since 1.2.5 only. On 64 bits the offset is in one word.
    long found = syscall(SYS_preadv2, file, &into, 1, offset + at, 0, RWF_NOWAIT);
    if (found < 0) return errno == EAGAIN ? 0 : -errno;
    if (found == 0) break;
  }
  return 1;
}

// Whether the page cache has these bytes of the file, so that sending them waits for no disk: 1 or 0, or a negated errno where the kernel
// cannot say.
inline int is_cached(int file, int64_t offset, int64_t bytes) {
  const int64_t page = sysconf(_SC_PAGESIZE);
  page_cache_range range = {static_cast<uint64_t>(offset), static_cast<uint64_t>(bytes)};
  page_cache_state state = {};
  // EPERM: somebody else's file, which this process may not write (6.16).
  if (syscall(cachestat_call, file, &range, &state, 0) != 0) return is_cached_by_probes(file, offset, bytes);
  const int64_t pages = (offset + bytes - 1) / page - offset / page + 1;
  return state.cached_pages >= static_cast<uint64_t>(pages) ? 1 : 0;
}

// Whether a send on this socket never sleeps. sendfile(2) has no MSG_DONTWAIT: the socket itself must be non-blocking.
inline bool never_blocks(int socket) {
  int flags = fcntl(socket, F_GETFL);
  return flags >= 0 && (flags & O_NONBLOCK) != 0;
}

// sendfile(2) sleeps at most as long as the file's pages need. Node.js ignores SIGPIPE, which a broken connection raises here.
constexpr int max_interrupted_file_sends = 64;
inline int64_t send_file(int socket, int file, int64_t offset, int64_t bytes) {
  for (int attempt = 0;; attempt++) {
    int64_t at = offset;
    // Directly, as every call of the hot path is made.
    long sent = syscall(SYS_sendfile, socket, file, &at, static_cast<size_t>(bytes));
    if (sent >= 0) return sent;
    if (errno != EINTR || attempt == max_interrupted_file_sends) return -errno;
  }
}

}  // namespace sendzc
