// The private epoll instance that all sockets of an environment share. The event loop polls its descriptor and never a socket (libuv stops
// a handle that sees POLLERR without POLLPRI).
#pragma once

#include <sys/epoll.h>

#include <cstdint>

#include "sendzc/unique_fd.h"

namespace sendzc {

// How one socket is registered in the epoll instance.
enum class registration : uint8_t {
  absent,    // not in it: never reported
  one_shot,  // reported once, also for a condition that holds already; the next report needs another arming
  edges,     // reported at each change, not for a condition that lasts
  kept,      // reported at each change, for errors alone; stays registered after a report, so that the next arming needs no call
};

class wake_set {
 public:
  static constexpr int max_events_per_wait = 256;

  // 0 or a negated errno.
  int open();
  int fd() const { return fd_.get(); }

  // Asks for reports of `socket` in the way `as`: errors always (the error queue among them), room to write where `writable`. A condition
  // that holds already is reported. `edges` is for a socket with an error condition that lasts, which would otherwise be reported for ever.
  int arm(int socket, registration& state, bool writable, registration as, uint64_t key);
  // Ends the reports and takes the socket out of the instance.
  void remove(int socket, registration& state);
  // Fetches what is ready: a count or a negated errno.
  int wait(epoll_event* events, int capacity);
  void close() { fd_.reset(); }

 private:
  unique_fd fd_;
};

}  // namespace sendzc
