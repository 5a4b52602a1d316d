#include "inline_notification.h"

#include <algorithm>
#include <cstring>

namespace sendzc {

void inline_notification::attach(msghdr& message) {
  // Entries are marked first, so that what the kernel left alone is never read as a notification.
  for (uint32_t i = 0; i < capacity_; i++) info_.arr[i].zerocopy = unfilled;
  if (via_ == variant::cmsg) {
    attach_here(message);
  } else {
    attach_pointer(message);
  }
}

void inline_notification::attach_here(msghdr& message) {
  info_.size = capacity_;
  size_t payload = zc_info_bytes(capacity_);
  message.msg_control = control_;
  message.msg_controllen = CMSG_SPACE(payload);
  cmsghdr* header = CMSG_FIRSTHDR(&message);
  header->cmsg_level = SOL_SOCKET;
  header->cmsg_type = cmsg_type_;
  header->cmsg_len = CMSG_LEN(payload);
  memcpy(CMSG_DATA(header), &info_, payload);
}

void inline_notification::attach_pointer(msghdr& message) {
  info_.size = size_unfilled;
  zc_info_usr where{};
  where.usr_addr = reinterpret_cast<uintptr_t>(&info_);
  where.usr_size = capacity_;
  message.msg_control = control_;
  message.msg_controllen = CMSG_SPACE(sizeof(where));
  cmsghdr* header = CMSG_FIRSTHDR(&message);
  header->cmsg_level = SOL_SOCKET;
  header->cmsg_type = cmsg_type_;
  header->cmsg_len = CMSG_LEN(sizeof(where));
  memcpy(CMSG_DATA(header), &where, sizeof(where));
}

bool inline_notification::was_filled() const {
  if (via_ == variant::pointer) return info_.size != size_unfilled;
  zc_info returned;
  memcpy(&returned, control_ + CMSG_LEN(0), zc_info_bytes(1));
  return returned.size < capacity_ || returned.arr[0].zerocopy != unfilled;
}

uint32_t inline_notification::read(notification_sink& sink) {
  if (via_ == variant::cmsg) memcpy(&info_, control_ + CMSG_LEN(0), zc_info_bytes(capacity_));
  if (info_.size == size_unfilled) return 0;
  uint32_t filled = std::min(info_.size, capacity_);
  uint32_t delivered = 0;
  for (uint32_t i = 0; i < filled && info_.arr[i].zerocopy != unfilled; i++, delivered++) {
    sink.on_range(completion_range{info_.arr[i].lo, info_.arr[i].hi, info_.arr[i].zerocopy == 0});
  }
  return delivered;
}

}  // namespace sendzc
