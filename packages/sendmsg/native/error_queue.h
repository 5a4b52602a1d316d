// Notifications from the socket's error queue (Documentation/networking/msg_zerocopy.rst).
#pragma once

#include <sys/socket.h>
#include <sys/uio.h>

#include <cstdint>

#include "notification_source.h"

namespace sendzc {

// Calls that one collection makes at most: a peer that floods the queue with ICMP errors must not hold up the caller.
constexpr uint32_t max_calls_per_collection = 4096;

// True where `message` (as recvmsg with MSG_ERRQUEUE returned it) is a zero-copy notification.
bool parse_notification(const msghdr& message, completion_range& range);

// One range per call, as the kernel's documentation shows it: the baseline.
class error_queue_single final : public notification_source {
 public:
  collect_result collect(int fd, bool force, notification_sink& sink) override;
};

// Many ranges per call, or one where a sandbox refuses recvmmsg. A call that returns fewer than it had room for has emptied the queue: no
// further call has to find that out.
class error_queue_batched final : public notification_source {
 public:
  static constexpr unsigned max_messages_per_call = 64;

  error_queue_batched();
  collect_result collect(int fd, bool force, notification_sink& sink) override;

 private:
  static constexpr unsigned control_bytes = 256;

  void arm(unsigned at);

  error_queue_single one_by_one_;
  bool refused_ = false;
  mmsghdr messages_[max_messages_per_call];
  alignas(cmsghdr) unsigned char controls_[max_messages_per_call][control_bytes];
};

}  // namespace sendzc
