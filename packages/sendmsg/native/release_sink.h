// Receives the fate of each message's memory.
#pragma once

#include <cstdint>

namespace sendzc {

class release_sink {
 public:
  // The kernel has let go of the memory of this message.
  virtual void on_released(uint32_t token, uint32_t chain, bool copied) = 0;
  // The kernel never referenced the memory of this message.
  virtual void on_unshared(uint32_t token, uint32_t chain) = 0;
  // Nothing will ever say when the kernel is done with the memory of this message: the memory stays pinned for the life of the process.
  virtual void on_abandoned(uint32_t token, uint32_t chain) = 0;

 protected:
  ~release_sink() = default;
};

}  // namespace sendzc
