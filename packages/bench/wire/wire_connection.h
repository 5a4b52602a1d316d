// A connection of the peer, and the table of all. Shared by wire_tcp.c and wire_client.c alone.
#ifndef SENDZC_WIRE_CONNECTION_H
#define SENDZC_WIRE_CONNECTION_H

#include "wire_frame.h"
#include "wire_tcp.h"

struct piece {
  uint32_t begin;
  uint32_t end;
};

enum connection_state { CONNECTION_FREE, CONNECTION_SYN_SENT, CONNECTION_OPEN, CONNECTION_CLOSING };

struct connection {
  uint8_t state;
  uint8_t family;
  uint8_t has_timestamps;
  uint8_t has_sack;
  bool dirty;
  bool fin_seen;
  bool is_client;
  uint16_t own_port;    ///< The peer's.
  uint16_t other_port;  ///< Of the program that is measured.
  uint32_t first_seq;   ///< Of its first byte.
  uint32_t expected;    ///< RCV.NXT.
  uint32_t highest;     ///< End of what was seen.
  uint32_t fin_seq;
  uint32_t next_seq;  ///< SND.NXT.
  uint32_t acked;     ///< SND.UNA.
  uint32_t pending_segments;
  uint32_t echo;  ///< Its newest timestamp.
  uint32_t piece_count;
  struct piece* pieces;   ///< Sorted, apart from each other; allocated with the first loss.
  uint64_t stream_bytes;  ///< Of the stream, up to `expected`.
  // State of the client:
  uint64_t response_end;  ///< stream_bytes at which the response is whole.
  uint64_t request_ns;
  uint64_t retry_ns;
  bool waiting;
  int member;  ///< Its place among the connections of the client.
};

static inline bool is_before(uint32_t a, uint32_t b) { return (int32_t)(a - b) < 0; }

struct connection* connection_find(uint8_t family, uint16_t own_port, uint16_t other_port);
/// @returns NULL where there is no room
struct connection* connection_add(uint8_t family, uint16_t own_port, uint16_t other_port);
void connection_remove(struct connection* connection);
/// Takes bytes of the stream, in order or behind a hole.
/// @returns false where there is no room for another piece
bool connection_take(struct connection* connection, uint32_t begin, uint32_t end);

/// Sends a segment of a connection: acknowledges what came, with the options that the other side can read.
void connection_send(struct connection* connection, uint8_t flags, uint32_t seq, const void* payload, uint32_t payload_bytes);

void client_on_connected(struct connection* connection);
/// Bytes came in order, or request bytes were acknowledged.
void client_on_progress(struct connection* connection);
void client_on_end(struct connection* connection);

#endif
