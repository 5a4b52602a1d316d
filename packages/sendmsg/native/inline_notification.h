// Notifications that ride on sendmsg: SCM_ZC_NOTIFICATION, a control message that the kernel fills before the call returns. Those of the
// last sends come through the error queue, which stays usable beside it.
#pragma once

#include <sys/socket.h>

#include <cstddef>
#include <cstdint>
#include <memory>

#include "notification_source.h"
#include "sendzc/envelope.h"
#include "uapi.h"

namespace sendzc {

class inline_notification final : public notification_source {
 public:
  // `trailing` outlives this object. `capacity` is 1 to zc_info_capacity_max.
  inline_notification(int32_t cmsg_type, uint32_t capacity, notification_source& trailing);

  bool rides_on_sends() const override { return true; }
  // Points the message at the placeholder, and at a copy of the control data that it has, behind it.
  void attach(msghdr& message) override;
  // Delivers the notifications that the kernel has filled in and returns their number: 0 where no call followed attach().
  uint32_t read(notification_sink& sink) override;
  collect_result collect(int fd, bool force, notification_sink& sink) override { return trailing_.collect(fd, force, sink); }

  // True where the kernel has written to the placeholder since attach().
  bool was_filled() const;

 private:
  static constexpr uint32_t count_unwritten = UINT32_MAX;

  // A word of the struct zc_info within the control data.
  uint32_t word(size_t offset) const;
  void set_word(size_t offset, uint32_t value);

  uint32_t capacity_;
  notification_source& trailing_;
  alignas(cmsghdr) unsigned char control_[CMSG_SPACE(sizeof(zc_info)) + envelope::max_control_bytes] = {};
};

}  // namespace sendzc
