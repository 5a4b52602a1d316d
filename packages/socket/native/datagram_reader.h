// Reads a datagram socket in batches: drops or verifies the messages.
#pragma once

#include <sys/socket.h>

#include <cstdint>
#include <vector>

#include "receive_totals.h"

namespace sendzc {

class datagram_reader {
 public:
  explicit datagram_reader(const receiver_options& options);
  datagram_reader(const datagram_reader&) = delete;
  datagram_reader& operator=(const datagram_reader&) = delete;

  // One recvmmsg(2), without waiting. The number of datagrams, or a negated errno (-EAGAIN: none is there).
  int read(int fd, receive_totals& totals);

  size_t batch() const { return messages_.size(); }

 private:
  size_t header_bytes(const uint8_t* message) const;
  void verify(const uint8_t* payload, size_t size, receive_totals& totals) const;

  receive_kind kind_;
  bool verify_;
  uint64_t seed_;
  size_t slot_bytes_;
  std::vector<uint8_t> memory_;
  std::vector<iovec> slots_;
  std::vector<mmsghdr> messages_;
};

}  // namespace sendzc
