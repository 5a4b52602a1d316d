// An eventfd: a ring writes to it when it has completions, and the event loop polls it.
#pragma once

#include <errno.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <cstdint>

#include "sendzc/unique_fd.h"

namespace sendzc {

class event_signal {
 public:
  // 0 or a negated errno.
  int open() {
    fd_.reset(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
    return fd_ ? 0 : -errno;
  }
  int fd() const { return fd_.get(); }
  void raise() { (void)eventfd_write(fd_.get(), 1); }
  void lower() {
    eventfd_t count;
    (void)eventfd_read(fd_.get(), &count);
  }

 private:
  unique_fd fd_;
};

}  // namespace sendzc
