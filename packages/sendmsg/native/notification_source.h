// Where notifications come from. The error queue is one place; the control data that sendmsg itself returns is another.
#pragma once

#include <sys/socket.h>

#include <cstdint>

#include "sendzc/completion_range.h"
#include "system_call.h"

namespace sendzc {

// Takes the notifications that a source finds, in the order found.
class notification_sink {
 public:
  virtual void on_range(const completion_range& range) = 0;
  // A message on the error queue that is no zero-copy notification (ICMP, a timestamp). The source has taken it from the queue.
  virtual void on_foreign_error() = 0;
  // Messages submitted and not yet released; a source stops asking when there are none.
  virtual uint32_t in_flight() const = 0;

 protected:
  ~notification_sink() = default;
};

struct collect_result {
  uint32_t calls = 0;                      // system calls made
  uint32_t empty = 0;                      // calls that found nothing
  uint32_t found = 0;                      // messages found, foreign ones included
  bool cut_short = false;                  // the bound of one collection was reached: more may be there
  int error = 0;                           // negated errno other than "nothing there"
  system_call failed = system_call::none;  // the call that answered with it
};

// One source may serve every socket of an environment, one call at a time: it keeps nothing of a socket between calls.
class notification_source {
 public:
  virtual ~notification_source() = default;
  // True where a send can bring notifications back. Then attach() precedes each send, and read() follows one that succeeded.
  virtual bool rides_on_sends() const { return false; }
  virtual void attach(msghdr&) {}
  virtual uint32_t read(notification_sink&) { return 0; }
  // Fetches the notifications that are there now, without waiting. `force` asks even though nothing is in flight.
  virtual collect_result collect(int fd, bool force, notification_sink& sink) = 0;
};

}  // namespace sendzc
