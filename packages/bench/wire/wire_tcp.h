// The peer's side of TCP: reads the classifier's events, acknowledges as a receiver would, and sends requests where the peer is the client.
#ifndef SENDZC_WIRE_TCP_H
#define SENDZC_WIRE_TCP_H

#include <stdbool.h>
#include <stdint.h>

#include "wire_event.h"

/// Connections at once; one more is refused.
#define TCP_MAX_CONNECTIONS 32768
/// Pieces of a connection that lie behind a hole; one more counts as lost.
#define TCP_MAX_PIECES 64

struct tcp_options {
  double loss;            ///< Share of the new segments that are not taken until they are sent again.
  uint32_t ack_every;     ///< Segments after which an acknowledgement goes out; 0 = when the ring is empty.
  uint32_t window_bytes;  ///< Window of every acknowledgement.
  uint16_t mss_bytes4;
  uint16_t mss_bytes6;
  bool verify;  ///< Hashes are compared with those of the pattern.
  uint64_t pattern_seed;
};

struct tcp_counters {
  uint64_t events;
  uint64_t opened;
  uint64_t refused;
  uint64_t resets;  ///< Connections that ended by RST.
  uint64_t finished;
  uint64_t strays;         ///< Packets of no connection.
  uint64_t new_bytes;      ///< Payload seen for the first time.
  uint64_t resent_bytes;   ///< Payload seen before.
  uint64_t lost_segments;  ///< Not taken, since a loss was asked for.
  uint64_t acks;
  uint64_t hashed_packets;
  uint64_t changed_packets;  ///< Their payload is not the pattern's.
  uint64_t changed_resent;   ///< Those of them that had been sent before.
  uint64_t open;
};

/// What the client does; see client_start().
struct client_options {
  uint8_t family;
  uint16_t port;
  uint32_t connections;
  uint32_t response_bytes;
  double rate_per_second;  ///< Requests a second over all connections; 0 = closed loop.
  const char* request;
  uint32_t request_bytes;
};

#define CLIENT_LATENCY_BUCKETS 1024
struct client_counters {
  uint64_t connected;
  uint64_t failed;  ///< Connections that were reset or ended by the other side.
  uint64_t requests;
  uint64_t responses;
  uint64_t late;                                   ///< Requests of a fixed rate that found every connection busy.
  uint64_t latency_count[CLIENT_LATENCY_BUCKETS];  ///< By bucket of client_bucket_us().
};

void tcp_start(const struct tcp_options* options, uint64_t seed);
void tcp_on_event(const struct wire_event* event);
/// Acknowledges what came since the last call.
void tcp_acknowledge(void);
const struct tcp_counters* tcp_counted(void);

/// @returns false where a client runs already, or there is no room
bool client_start(const struct client_options* options, uint64_t now_ns);
/// Sends what is due, and again what got no answer.
void client_tick(uint64_t now_ns);
/// @returns when client_tick() has something to do, or UINT64_MAX
uint64_t client_next_due_ns(void);
const struct client_counters* client_counted(void);
/// @returns the upper end of a bucket, in microseconds
double client_bucket_us(unsigned bucket);

#endif
