// Waits, within a bound, until the kernel lets go of memory. Only for the end of an environment, where no event loop runs any more.
#pragma once

#include "sender.h"

namespace sendzc {

// How long the end of a worker waits for the notifications of one socket, and again after its connection was aborted.
constexpr int teardown_drain_ms = 250;

// Collects until nothing is in flight or `timeout_ms` has passed. Returns the number of messages still in flight.
uint32_t drain(sender& from, int timeout_ms, release_sink& releases);

}  // namespace sendzc
