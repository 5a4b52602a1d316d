// Reading of control messages: those of the error queue, and the inline notification.
#include <errno.h>
// The kernel's header uses struct timespec and does not declare it.
#include <time.h>

#include <linux/errqueue.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <cstring>
#include <vector>

#include "check.h"
#include "error_queue.h"
#include "inline_notification.h"
#include "uapi.h"

using sendzc::completion_range;
using sendzc::inline_notification;

namespace {

struct control_message {
  alignas(cmsghdr) unsigned char bytes[256] = {};
  msghdr message{};

  control_message(int level, int type, const sock_extended_err& error, size_t payload = sizeof(sock_extended_err) + sizeof(sockaddr_in)) {
    message.msg_control = bytes;
    message.msg_controllen = CMSG_SPACE(payload);
    cmsghdr* header = CMSG_FIRSTHDR(&message);
    header->cmsg_level = level;
    header->cmsg_type = type;
    header->cmsg_len = CMSG_LEN(payload);
    memcpy(CMSG_DATA(header), &error, payload < sizeof(error) ? payload : sizeof(error));
  }
};

sock_extended_err zerocopy_error(uint32_t lo, uint32_t hi, uint8_t code) {
  sock_extended_err error{};
  error.ee_origin = SO_EE_ORIGIN_ZEROCOPY;
  error.ee_info = lo;
  error.ee_data = hi;
  error.ee_code = code;
  return error;
}

class recording_sink final : public sendzc::notification_sink {
 public:
  void on_range(const completion_range& range) override { ranges.push_back(range); }
  void on_foreign_error() override { foreign++; }
  uint32_t in_flight() const override { return 1; }

  std::vector<completion_range> ranges;
  int foreign = 0;
};

class no_source final : public sendzc::notification_source {
 public:
  sendzc::collect_result collect(int, bool, sendzc::notification_sink&) override { return {}; }
};

void every_family_is_parsed() {
  const int families[][2] = {{SOL_IP, IP_RECVERR}, {SOL_IPV6, IPV6_RECVERR}, {SOL_VSOCK, VSOCK_RECVERR}};
  for (const auto& family : families) {
    control_message zerocopy(family[0], family[1], zerocopy_error(UINT32_MAX, 3, 0));
    completion_range range;
    CHECK(sendzc::parse_notification(zerocopy.message, range));
    CHECK_EQUAL(range.lo, UINT32_MAX);
    CHECK_EQUAL(range.hi, 3);
    CHECK(!range.copied);
    control_message copied(family[0], family[1], zerocopy_error(1, 2, SO_EE_CODE_ZEROCOPY_COPIED));
    CHECK(sendzc::parse_notification(copied.message, range));
    CHECK(range.copied);
  }
}

void other_errors_are_not_notifications() {
  completion_range range;
  sock_extended_err icmp{};
  icmp.ee_origin = SO_EE_ORIGIN_ICMP;
  icmp.ee_errno = ECONNREFUSED;
  CHECK(!sendzc::parse_notification(control_message(SOL_IP, IP_RECVERR, icmp).message, range));
  sock_extended_err timestamp{};
  timestamp.ee_origin = SO_EE_ORIGIN_TIMESTAMPING;
  timestamp.ee_errno = ENOMSG;
  CHECK(!sendzc::parse_notification(control_message(SOL_IP, IP_RECVERR, timestamp).message, range));
  // Each of the two alone is enough.
  sock_extended_err failed = zerocopy_error(0, 0, 0);
  failed.ee_errno = ENOMSG;
  CHECK(!sendzc::parse_notification(control_message(SOL_IP, IP_RECVERR, failed).message, range));
  sock_extended_err other{};
  other.ee_origin = SO_EE_ORIGIN_TXTIME;
  CHECK(!sendzc::parse_notification(control_message(SOL_IP, IP_RECVERR, other).message, range));
  CHECK(!sendzc::parse_notification(control_message(SOL_SOCKET, IP_RECVERR, zerocopy_error(0, 0, 0)).message, range));
  CHECK(!sendzc::parse_notification(control_message(SOL_IP, IP_RECVERR, zerocopy_error(0, 0, 0), 8).message, range));
  msghdr without_control{};
  CHECK(!sendzc::parse_notification(without_control, range));
}

// Stands in for the kernel: writes `filled` entries into the placeholder, as struct zc_info.
void fill_as_kernel(msghdr& message, const std::vector<sendzc::zc_info_elem>& filled) {
  cmsghdr* header = CMSG_FIRSTHDR(&message);
  CHECK_EQUAL(header->cmsg_level, SOL_SOCKET);
  CHECK_EQUAL(header->cmsg_type, 0x5a43);
  unsigned char* payload = CMSG_DATA(header);
  uint32_t capacity = 0;
  memcpy(&capacity, payload, sizeof(capacity));
  CHECK_EQUAL(header->cmsg_len, CMSG_LEN(8 + 12 * capacity));
  CHECK_EQUAL(message.msg_controllen, CMSG_SPACE(8 + 12 * capacity));
  CHECK(filled.size() <= capacity);
  auto count = static_cast<uint32_t>(filled.size());
  memcpy(payload + 4, &count, sizeof(count));
  if (count > 0) memcpy(payload + 8, filled.data(), 12 * count);
}

void inline_entries_are_read() {
  no_source trailing;
  inline_notification source(0x5a43, 4, trailing);
  for (uint32_t round = 0; round < 3; round++) {
    msghdr message{};
    source.attach(message);
    CHECK(!source.was_filled());
    fill_as_kernel(message, {{round, round + 1, 0, {}}, {7, 7, sendzc::zc_info_copied, {}}});
    CHECK(source.was_filled());
    recording_sink sink;
    CHECK_EQUAL(source.read(sink), 2);
    CHECK_EQUAL(sink.ranges[0].lo, round);
    CHECK_EQUAL(sink.ranges[0].hi, round + 1);
    CHECK(!sink.ranges[0].copied);
    CHECK(sink.ranges[1].copied);
  }
}

void an_untouched_placeholder_is_no_notification() {
  no_source trailing;
  inline_notification source(0x5a43, 2, trailing);
  recording_sink sink;
  msghdr message{};
  source.attach(message);
  fill_as_kernel(message, {{0, 0, 0, {}}, {1, 1, 0, {}}});
  CHECK_EQUAL(source.read(sink), 2);
  // The notifications of an earlier call are not read twice.
  source.attach(message);
  CHECK_EQUAL(source.read(sink), 0);
  source.attach(message);
  fill_as_kernel(message, {});
  CHECK(source.was_filled());
  CHECK_EQUAL(source.read(sink), 0);
  CHECK_EQUAL(sink.ranges.size(), 2);
}

}  // namespace

const named_test notification_tests[] = {
    {"a notification of every family is parsed", every_family_is_parsed},
    {"other errors are not notifications", other_errors_are_not_notifications},
    {"inline entries are read from the control message", inline_entries_are_read},
    {"an untouched placeholder is no notification", an_untouched_placeholder_is_no_notification},
    {nullptr, nullptr},
};
