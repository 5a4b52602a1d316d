// The counters of a receiver, and its orders.
#pragma once

#include <cstdint>

#include "pattern.h"

namespace sendzc {

// Numbers shared with native.ts.
enum class receive_kind : int32_t {
  tcp = 0,      // a listener; content dropped in the kernel (MSG_TRUNC, tcp(7))
  vsock,        // a listener; MSG_TRUNC does not drop there, so content is copied
  datagram,     // UDP, PACKET dgram, RAW over IPv6: the message is the payload
  ipv4_raw,     // RAW over IPv4: messages begin with the IPv4 header (raw(7))
  ethernet_raw  // PACKET: messages begin with the Ethernet header (packet(7))
};

inline bool is_stream(receive_kind kind) { return kind == receive_kind::tcp || kind == receive_kind::vsock; }

struct receiver_options {
  receive_kind kind = receive_kind::tcp;
  bool verify = false;
  uint64_t seed = 0;
  uint32_t max_connections = 1;
  uint32_t wake_bytes = 1;   // SO_RCVLOWAT of connections
  uint32_t coalesce_us = 0;  // pause after each round of reading, so that more is there at the next
};

struct receive_totals {
  uint64_t bytes = 0;  // payload: without IPv4 and Ethernet headers
  uint64_t datagrams = 0;
  uint64_t read_calls = 0;
  uint64_t wakes = 0;
  uint64_t dropped_datagrams = 0;  // by the kernel, for lack of receive buffer (SK_MEMINFO_DROPS)
  uint64_t connections_accepted = 0;
  uint64_t connections_open = 0;
  uint64_t connections_closed = 0;
  uint64_t connections_reset = 0;
  uint64_t verify_errors = 0;  // bytes that differ, and datagrams whose header is wrong
  uint64_t out_of_order = 0;   // datagrams whose sequence number was not above all before
  uint64_t next_sequence = 0;  // highest sequence number plus one
  bool has_mismatch = false;
  mismatch first_mismatch;           // offset in the stream, or in the datagram
  uint64_t first_mismatch_unit = 0;  // number of the connection (from 0), or of the datagram (its sequence)
  int64_t first_ns = 0;              // CLOCK_MONOTONIC, of the first and the last bytes; 0 = none yet
  int64_t last_ns = 0;
  uint64_t cpu_user_us = 0;  // of the receiving thread
  uint64_t cpu_system_us = 0;
  bool paused = false;
  bool drained = false;  // at stop: everything that had arrived was read
  int32_t error = 0;     // the negated errno that stopped the receiving, and its call
  const char* error_call = "";
};

}  // namespace sendzc
