// Preloaded into a process: the ids of every zero-copy notification are shifted by SENDZC_ID_SHIFT, so that a driver meets the wrap at 2^32
// after as many messages as a test has, over the real kernel's own notifications. The drivers learn a socket's next id where SO_ZEROCOPY
// was on before. SENDZC_ID_FAULT=more or fewer makes the range that holds the last id before the wrap one too long or too short, as a
// driver that counts wrongly would.
#include <time.h>

#include <dlfcn.h>
#include <linux/errqueue.h>
#include <netinet/in.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>

namespace {

constexpr uint32_t last_id = UINT32_MAX;

uint32_t shift() {
  static const uint32_t value = [] {
    const char* text = getenv("SENDZC_ID_SHIFT");
    return text == nullptr ? 0u : static_cast<uint32_t>(strtoul(text, nullptr, 10));
  }();
  return value;
}

bool fault_is(const char* name) {
  const char* text = getenv("SENDZC_ID_FAULT");
  return text != nullptr && strcmp(text, name) == 0;
}

void shift_range(sock_extended_err& error) {
  error.ee_info += shift();
  error.ee_data += shift();
  bool holds_last = last_id - error.ee_info <= error.ee_data - error.ee_info;
  if (!holds_last) return;
  if (fault_is("more")) error.ee_data++;
  if (!fault_is("fewer")) return;
  // A range of one id becomes empty: the message is then no notification.
  if (error.ee_info == error.ee_data) error.ee_origin = SO_EE_ORIGIN_LOCAL;
  error.ee_data--;
}

void shift_message(msghdr& message) {
  for (cmsghdr* control = CMSG_FIRSTHDR(&message); control != nullptr; control = CMSG_NXTHDR(&message, control)) {
    bool is_error = (control->cmsg_level == SOL_IP && control->cmsg_type == IP_RECVERR) ||
                    (control->cmsg_level == SOL_IPV6 && control->cmsg_type == IPV6_RECVERR);
    if (!is_error) continue;
    auto* error = reinterpret_cast<sock_extended_err*>(CMSG_DATA(control));
    if (error->ee_origin == SO_EE_ORIGIN_ZEROCOPY) shift_range(*error);
  }
}

}  // namespace

extern "C" long syscall(long number, ...) noexcept {
  using call = long (*)(long, ...);
  static const call next = reinterpret_cast<call>(dlsym(RTLD_NEXT, "syscall"));
  va_list list;
  va_start(list, number);
  long a[6];
  for (long& each : a) each = va_arg(list, long);
  va_end(list);
  long result = next(number, a[0], a[1], a[2], a[3], a[4], a[5]);
  if (result < 0) return result;
  if (number == SYS_recvmsg && (a[2] & MSG_ERRQUEUE) != 0) shift_message(*reinterpret_cast<msghdr*>(a[1]));
  if (number == SYS_recvmmsg && (a[3] & MSG_ERRQUEUE) != 0) {
    auto* messages = reinterpret_cast<mmsghdr*>(a[1]);
    for (long at = 0; at < result; at++) shift_message(messages[at].msg_hdr);
  }
  return result;
}
