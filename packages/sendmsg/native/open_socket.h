// Checks at open whether a descriptor can do what is asked, and duplicates it for the driver.
#pragma once

#include <cstdint>

#include "sendzc/socket_claim.h"
#include "sendzc/socket_facts.h"
#include "sendzc/unique_fd.h"

namespace sendzc {

// The step at which opening failed. Mirrored by src/native.ts.
enum class open_stage : int32_t {
  done = 0,
  descriptor = 1,    // getsockopt: closed, or not a socket
  family = 2,        // AF_UNIX and others that no driver here serves
  connection = 3,    // not connected, or listening
  upper_layer = 4,   // kernel TLS sits on the socket
  set_zerocopy = 5,  // setsockopt(SO_ZEROCOPY)
  duplicate = 6,     // fcntl(F_DUPFD_CLOEXEC)
  limit = 7,         // max_drivers
  event_poll = 8,    // epoll_create1, epoll_ctl, uv_poll
  pinning = 9,       // this runtime does not let an addon pin memory
  owned = 10,        // another driver of this process reads its error queue
};

struct opened_socket {
  unique_fd fd;
  // Held by a driver that reads notifications. Given up before the descriptor is closed.
  socket_claim claim;
  socket_facts facts;
  // SO_ZEROCOPY was on before: earlier sends may have used ids, so the kernel's next notification id is unknown.
  bool was_zerocopy = false;
  // Errors of transmission are reported to the sender (IP_RECVERR), ENOBUFS among them.
  bool reports_errors = false;
  open_stage stage = open_stage::done;
};

// 0 or a negated errno; `opened.stage` then names the step that failed. SO_ZEROCOPY is switched on and never off again: other users of the
// socket may rely on it.
int open_socket(int fd, bool zerocopy, opened_socket& opened);

}  // namespace sendzc
