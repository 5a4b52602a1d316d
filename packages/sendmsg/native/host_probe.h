// Asks the kernel which zero-copy it offers on this host. Opens sockets of its own and closes them again.
#pragma once

#include <cstdint>

namespace sendzc {

// 0, or a negated errno of socket(2) or setsockopt(SO_ZEROCOPY).
int probe_zerocopy(int32_t domain, int32_t type);
// Whether sendmsg fills the placeholder of the inline notification: 1 it does, 0 it ignores the placeholder, or a negated errno (-EINVAL:
// the kernel does not know it). A UDP socket on the loopback device sends a message of one byte to itself.
int probe_inline(int32_t cmsg_type);

}  // namespace sendzc
