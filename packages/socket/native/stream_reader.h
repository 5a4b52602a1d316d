// Reads connections: drops or verifies their bytes.
#pragma once

#include <sendzc/unique_fd.h>

#include <cstdint>
#include <vector>

#include "receive_totals.h"

namespace sendzc {

struct connection {
  unique_fd fd;
  uint64_t number = 0;  // in order of acceptance
  uint64_t bytes = 0;   // received so far: the offset of the next byte
  size_t slot = 0;      // place in the receiver's table
};

enum class stream_state { open, would_block, closed, reset };

class stream_reader {
 public:
  explicit stream_reader(const receiver_options& options);

  // One recv(2), without waiting.
  stream_state read(connection& from, receive_totals& totals);

 private:
  bool truncate_;
  bool verify_;
  uint64_t seed_;
  std::vector<uint8_t> buffer_;
};

}  // namespace sendzc
