// Whether notifications can still come for sends that others made on a socket before this driver.
#pragma once

#include <cstdint>

namespace sendzc {

// On TCP: the count of acknowledged bytes at which everything that is queued now has been acknowledged. 0 where the kernel does not say.
uint64_t acked_bytes_when_sent(int fd);
// On TCP: whether the acknowledged bytes have reached `target`.
bool acked_bytes_reached(int fd, uint64_t target);
// On any socket: whether nothing is queued for sending.
bool send_queue_is_empty(int fd);

}  // namespace sendzc
