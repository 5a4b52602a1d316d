#include "inline_notification.h"

#include <algorithm>
#include <cstring>

namespace sendzc {

inline_notification::inline_notification(int32_t cmsg_type, uint32_t capacity, notification_source& trailing)
    : capacity_(capacity), trailing_(trailing) {
  auto* header = reinterpret_cast<cmsghdr*>(control_);
  header->cmsg_level = SOL_SOCKET;
  header->cmsg_type = cmsg_type;
  header->cmsg_len = CMSG_LEN(zc_info_bytes(capacity));
  set_word(offsetof(zc_info, capacity), capacity);
}

void inline_notification::attach(msghdr& message) {
  // A kernel that does not know the placeholder leaves it as it is, and so does a call that is refused.
  set_word(offsetof(zc_info, count), count_unwritten);
  if (message.msg_control == control_) return;  // attached before, and not sent yet
  size_t placeholder_bytes = CMSG_SPACE(zc_info_bytes(capacity_));
  size_t more_bytes = message.msg_controllen;
  if (more_bytes > 0) memcpy(control_ + placeholder_bytes, message.msg_control, more_bytes);
  message.msg_control = control_;
  message.msg_controllen = placeholder_bytes + more_bytes;
}

bool inline_notification::was_filled() const { return word(offsetof(zc_info, count)) != count_unwritten; }

uint32_t inline_notification::read(notification_sink& sink) {
  uint32_t count = word(offsetof(zc_info, count));
  if (count == count_unwritten) return 0;
  count = std::min(count, capacity_);
  for (uint32_t i = 0; i < count; i++) {
    zc_info_elem elem;
    memcpy(&elem, control_ + CMSG_LEN(zc_info_bytes(i)), sizeof(elem));
    sink.on_range(completion_range{elem.lo, elem.hi, (elem.flags & zc_info_copied) != 0});
  }
  return count;
}

uint32_t inline_notification::word(size_t offset) const {
  uint32_t value;
  memcpy(&value, control_ + CMSG_LEN(offset), sizeof(value));
  return value;
}

void inline_notification::set_word(size_t offset, uint32_t value) { memcpy(control_ + CMSG_LEN(offset), &value, sizeof(value)); }

}  // namespace sendzc
