// Finds out the next notification id of a UDP socket without sending anything.
#pragma once

#include <cstdint>

namespace sendzc {

// Uses up exactly one notification id; its notification is on the error queue when this returns 0. Otherwise a negated errno, and no id is
// used up. The function begins a datagram (MSG_MORE) and drops it, because its second part is unreadable: the kernel flushes what was
// pending (udp_flush_pending_frames) and reports that the memory is free.
//
// The kernel begins a datagram only where it has a route. Where the socket's own route is gone, a datagram to this host serves as well,
// since it never leaves. `domain` is the socket's. -EAGAIN: the socket is full.
int use_up_next_id(int fd, int32_t domain);

}  // namespace sendzc
