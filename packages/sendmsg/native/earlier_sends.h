// Whether sends that others made on a socket before us can still be notified.
#pragma once

#include <cstdint>

namespace sendzc {

// On TCP: how many bytes must be acknowledged before everything queued now is. 0 where it cannot be told.
uint64_t acked_bytes_when_sent(int fd);
// On TCP: bytes acknowledged so far have reached `target`.
bool acked_bytes_reached(int fd, uint64_t target);
// On any socket: nothing is queued for sending.
bool send_queue_is_empty(int fd);

}  // namespace sendzc
