// The system calls of the hot path. Each returns a count or a negated errno, and repeats an interrupted call a bounded number of times.
// They bypass the C library, whose functions are cancellation points: in a process with threads, such as Node.js, each of them costs two
// calls and two atomic operations more. Nobody cancels these threads.
#pragma once

#include <errno.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cstdint>

namespace sendzc {

// The calls that an error can come from. Mirrored by src/native.ts.
enum class system_call : uint8_t { none = 0, sendmsg = 1, sendmmsg = 2, recvmsg = 3, recvmmsg = 4, epoll_create1 = 5, epoll_ctl = 6 };

// A call and the negated errno that it answered with, in one number. Mirrored by src/call-failure.ts.
constexpr int failed_call_bits = 4;
inline int32_t pack_failure(system_call call, int64_t error) {
  return static_cast<int32_t>(-error << failed_call_bits | static_cast<int64_t>(call));
}

// With MSG_DONTWAIT nothing sleeps, so a signal interrupts once at most; more than this is a fault to report.
constexpr int max_interrupted_retries = 64;

template <typename Call>
inline int64_t retry_interrupted(Call&& call) {
  for (int attempt = 0;; attempt++) {
    int64_t result = call();
    if (result >= 0) return result;
    if (errno != EINTR || attempt == max_interrupted_retries) return -errno;
  }
}

inline int64_t send_message(int fd, const msghdr& message, int flags) {
  return retry_interrupted([&] { return static_cast<int64_t>(syscall(SYS_sendmsg, fd, &message, flags)); });
}

inline int64_t send_messages(int fd, mmsghdr* messages, unsigned count, int flags) {
  return retry_interrupted([&] { return static_cast<int64_t>(syscall(SYS_sendmmsg, fd, messages, count, flags)); });
}

inline int64_t receive_error(int fd, msghdr& message) {
  return retry_interrupted([&] { return static_cast<int64_t>(syscall(SYS_recvmsg, fd, &message, MSG_ERRQUEUE | MSG_DONTWAIT)); });
}

inline int64_t receive_errors(int fd, mmsghdr* messages, unsigned count) {
  return retry_interrupted(
      [&] { return static_cast<int64_t>(syscall(SYS_recvmmsg, fd, messages, count, MSG_ERRQUEUE | MSG_DONTWAIT, nullptr)); });
}

}  // namespace sendzc
