// Notifications that ride on sendmsg: SCM_ZC_NOTIFICATION, a control message that the kernel fills on its way back.
// Those of the last sends come through the error queue, which stays usable beside it.
#pragma once

#include <sys/socket.h>

#include <cstdint>
#include <memory>

#include "notification_source.h"
#include "uapi.h"

namespace sendzc {

class inline_notification final : public notification_source {
 public:
  enum class variant : int32_t { cmsg = 0, pointer = 1 };

  // `trailing` outlives this object. `capacity` is 1 to zc_info_capacity_max.
  inline_notification(variant via, int32_t cmsg_type, uint32_t capacity, notification_source& trailing)
      : via_(via), cmsg_type_(cmsg_type), capacity_(capacity), trailing_(trailing) {}

  bool rides_on_sends() const override { return true; }
  // Points the message at the placeholder, made ready anew: the kernel overwrites it on every call.
  void attach(msghdr& message) override;
  // Delivers what the kernel filled in, and returns how many notifications that were.
  uint32_t read(notification_sink& sink) override;
  collect_result collect(int fd, bool force, notification_sink& sink) override { return trailing_.collect(fd, force, sink); }

  // True where the kernel has touched the placeholder since attach().
  bool was_filled() const;

 private:
  static constexpr uint8_t unfilled = 0xff;
  static constexpr uint32_t size_unfilled = UINT32_MAX;

  void attach_here(msghdr& message);
  void attach_pointer(msghdr& message);

  variant via_;
  int32_t cmsg_type_;
  uint32_t capacity_;
  notification_source& trailing_;
  zc_info info_{};
  alignas(cmsghdr) unsigned char control_[CMSG_SPACE(sizeof(zc_info))] = {};
};

}  // namespace sendzc
