// The arguments of this addon's functions.
#pragma once

#include "environment.h"
#include "sendzc/call_arguments.h"

namespace sendzc {

// Words per message in SendBatch.table: mirrored from packages/core/src/driver/send-batch.ts.
constexpr size_t table_words = 3;

using cold = cold_arguments<environment>;
template <size_t Count>
using hot = hot_arguments<environment, Count>;

inline uint32_t driver_handle(uint32_t ring, const driver_slot& driver) {
  uint32_t place = environment::ring_handles::index_of(ring);
  return environment::driver_handles::make(place << environment::driver_index_bits | driver.index, driver.generation);
}
// Index of a driver in its ring.
inline uint32_t driver_index_of(uint32_t handle) { return handle & ((1u << environment::driver_index_bits) - 1); }

struct driver_reference {
  attached_ring* ring = nullptr;
  driver_slot* driver = nullptr;
};

// Both are set or neither: a driver is found only while it is open.
inline driver_reference find_driver(const environment& instance, uint32_t handle) {
  driver_reference found;
  attached_ring* ring = instance.ring_of_driver(handle);
  if (ring != nullptr) found.driver = ring->engine().find(driver_index_of(handle), environment::driver_handles::generation_of(handle));
  if (found.driver != nullptr) found.ring = ring;
  return found;
}

}  // namespace sendzc
