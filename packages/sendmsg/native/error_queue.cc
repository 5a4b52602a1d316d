#include "error_queue.h"

#include <linux/errqueue.h>
#include <netinet/in.h>

#include <algorithm>
#include <cstring>

#include "system_call.h"
#include "uapi.h"

namespace sendzc {

namespace {

bool carries_extended_error(const cmsghdr& header) {
  bool known = (header.cmsg_level == SOL_IP && header.cmsg_type == IP_RECVERR) ||
               (header.cmsg_level == SOL_IPV6 && header.cmsg_type == IPV6_RECVERR) ||
               (header.cmsg_level == SOL_VSOCK && header.cmsg_type == VSOCK_RECVERR);
  return known && header.cmsg_len >= CMSG_LEN(sizeof(sock_extended_err));
}

void deliver(const msghdr& message, notification_sink& sink) {
  completion_range range;
  if (parse_notification(message, range)) {
    sink.on_range(range);
  } else {
    sink.on_foreign_error();
  }
}

// The errno values of a seccomp filter that does not know the call.
bool refused_by_sandbox(int64_t result) { return result == -ENOSYS || result == -EPERM; }

bool nothing_there(int64_t result) { return result == -EAGAIN || result == -EWOULDBLOCK; }

}  // namespace

bool parse_notification(const msghdr& message, completion_range& range) {
  auto* view = const_cast<msghdr*>(&message);
  for (cmsghdr* header = CMSG_FIRSTHDR(view); header != nullptr; header = CMSG_NXTHDR(view, header)) {
    if (!carries_extended_error(*header)) continue;
    sock_extended_err error;
    memcpy(&error, CMSG_DATA(header), sizeof(error));
    if (error.ee_origin != SO_EE_ORIGIN_ZEROCOPY || error.ee_errno != 0) continue;
    range.lo = error.ee_info;
    range.hi = error.ee_data;
    range.copied = (error.ee_code & SO_EE_CODE_ZEROCOPY_COPIED) != 0;
    return true;
  }
  return false;
}

collect_result error_queue_single::collect(int fd, bool force, notification_sink& sink) {
  collect_result result;
  alignas(cmsghdr) unsigned char control[256];
  while (result.calls < max_calls_per_collection && (sink.in_flight() > 0 || (force && result.calls == result.found))) {
    msghdr message{};
    message.msg_control = control;
    message.msg_controllen = sizeof(control);
    int64_t received = receive_error(fd, message);
    result.calls++;
    if (received < 0) {
      result.empty++;
      if (nothing_there(received)) break;
      result.error = static_cast<int>(received);
      result.failed = system_call::recvmsg;
      break;
    }
    result.found++;
    deliver(message, sink);
  }
  result.cut_short = result.calls == max_calls_per_collection;
  return result;
}

error_queue_batched::error_queue_batched() {
  memset(messages_, 0, sizeof(messages_));
  for (unsigned i = 0; i < max_messages_per_call; i++) arm(i);
}

void error_queue_batched::arm(unsigned at) {
  messages_[at].msg_hdr.msg_control = controls_[at];
  messages_[at].msg_hdr.msg_controllen = control_bytes;
}

collect_result error_queue_batched::collect(int fd, bool force, notification_sink& sink) {
  if (refused_) return one_by_one_.collect(fd, force, sink);
  collect_result result;
  while (result.calls < max_calls_per_collection) {
    uint32_t wanted = sink.in_flight();
    if (wanted == 0 && !force) break;
    unsigned room = force ? max_messages_per_call : std::min<uint32_t>(wanted, max_messages_per_call);
    int64_t received = receive_errors(fd, messages_, room);
    result.calls++;
    if (received <= 0) {
      result.empty++;
      if (received >= 0 || nothing_there(received)) break;
      refused_ = refused_by_sandbox(received);
      if (refused_) return one_by_one_.collect(fd, force, sink);
      result.error = static_cast<int>(received);
      result.failed = system_call::recvmmsg;
      break;
    }
    for (unsigned i = 0; i < received; i++) {
      deliver(messages_[i].msg_hdr, sink);
      arm(i);
    }
    result.found += static_cast<uint32_t>(received);
    if (received < room) break;
  }
  result.cut_short = result.calls == max_calls_per_collection;
  return result;
}

}  // namespace sendzc
