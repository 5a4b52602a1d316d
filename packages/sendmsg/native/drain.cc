#include "drain.h"

#include <poll.h>

#include <algorithm>

namespace sendzc {

namespace {

// An error condition that lasts makes poll return at once: the drain then pauses this long between two polls.
constexpr int poll_pause_ms = 5;

}  // namespace

uint32_t drain(sender& from, int timeout_ms, release_sink& releases) {
  int64_t deadline = monotonic_ms() + timeout_ms;
  for (;;) {
    uint32_t found = from.collect(releases, false);
    int64_t left = deadline - monotonic_ms();
    if (from.in_flight() == 0 || left <= 0) return from.in_flight();
    pollfd waiting{from.fd(), 0, 0};
    bool reported = poll(&waiting, 1, static_cast<int>(left)) > 0;
    if (reported && found == 0) poll(nullptr, 0, static_cast<int>(std::min<int64_t>(left, poll_pause_ms)));
  }
}

}  // namespace sendzc
