// Finds out the next notification id of a UDP socket without sending anything.
#pragma once

#include <cstdint>

namespace sendzc {

// Uses up exactly one notification id; its notification is on the error queue when this returns 0. Else a negated errno, and no id
// is used up. A datagram is begun (MSG_MORE) and then dropped, because its second part is unreadable: the kernel flushes what
// was pending (udp_flush_pending_frames) and reports that the memory is free.
// To begin one the kernel needs a route. Where the socket's own is gone, a datagram to this host does as well, since it never leaves.
// `domain` is the socket's. -EAGAIN: the socket is full.
int use_up_next_id(int fd, int32_t domain);

}  // namespace sendzc
