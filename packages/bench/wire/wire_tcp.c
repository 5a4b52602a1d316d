#include "wire_tcp.h"

#include <stddef.h>

#include "wire_connection.h"
#include "wire_frame.h"
#include "wire_pattern.h"

#define WINDOW_SCALE 10
#define OPTION_END 0
#define OPTION_NOP 1
#define OPTION_MSS 2
#define OPTION_WINDOW_SCALE 3
#define OPTION_SACK_PERMITTED 4
#define OPTION_SACK 5
#define OPTION_TIMESTAMPS 8
/// What fits beside timestamps (RFC 2018).
#define SACK_BLOCKS 3

static struct tcp_options options;
static struct tcp_counters counted;
static uint64_t random_state;
static struct connection* dirty[TCP_MAX_CONNECTIONS];
static uint32_t dirty_count;

void tcp_start(const struct tcp_options* wanted, uint64_t seed) {
  options = *wanted;
  random_state = seed * 2 + 1;
}

const struct tcp_counters* tcp_counted(void) { return &counted; }

/// A number in [0, 1): splitmix64.
static double random_share(void) {
  uint64_t mixed = random_state += 0x9e3779b97f4a7c15u;
  mixed = (mixed ^ mixed >> 30) * 0xbf58476d1ce4e5b9u;
  mixed = (mixed ^ mixed >> 27) * 0x94d049bb133111ebu;
  return (double)((mixed ^ mixed >> 31) >> 11) / 9007199254740992.0;
}

// --- Segments of the peer

static uint32_t timestamp_now(void) { return (uint32_t)(clock_ns() / 1000000u); }

static void put32(uint8_t* at, uint32_t value) {
  for (int i = 0; i < 4; i++) at[i] = (uint8_t)(value >> (24 - 8 * i));
}

static void put_timestamps(struct segment* segment, const struct connection* connection) {
  uint8_t* at = segment->options + segment->options_bytes;
  at[0] = at[1] = OPTION_NOP;
  at[2] = OPTION_TIMESTAMPS;
  at[3] = 10;
  put32(at + 4, timestamp_now());
  put32(at + 8, connection->echo);
  segment->options_bytes += 12;
}

static void put_sack(struct segment* segment, const struct connection* connection) {
  uint32_t count = connection->piece_count < SACK_BLOCKS ? connection->piece_count : SACK_BLOCKS;
  uint8_t* at = segment->options + segment->options_bytes;
  at[0] = at[1] = OPTION_NOP;
  at[2] = OPTION_SACK;
  at[3] = (uint8_t)(2 + 8 * count);
  for (uint32_t i = 0; i < count; i++) {
    put32(at + 4 + 8 * i, connection->pieces[i].begin);
    put32(at + 8 + 8 * i, connection->pieces[i].end);
  }
  segment->options_bytes += 4 + 8 * count;
}

static void put_syn_options(struct segment* segment, const struct connection* connection) {
  uint16_t mss = connection->family == 6 ? options.mss_bytes6 : options.mss_bytes4;
  uint8_t* at = segment->options;
  at[0] = OPTION_MSS;
  at[1] = 4;
  at[2] = (uint8_t)(mss >> 8);
  at[3] = (uint8_t)mss;
  at[4] = OPTION_NOP;
  at[5] = OPTION_WINDOW_SCALE;
  at[6] = 3;
  at[7] = WINDOW_SCALE;
  segment->options_bytes = 8;
  if (connection->has_sack) {
    at[8] = at[9] = OPTION_NOP;
    at[10] = OPTION_SACK_PERMITTED;
    at[11] = 2;
    segment->options_bytes = 12;
  }
  if (connection->has_timestamps) put_timestamps(segment, connection);
}

void connection_send(struct connection* connection, uint8_t flags, uint32_t seq, const void* payload, uint32_t payload_bytes) {
  struct segment segment = {.family = connection->family,
                            .source_port = connection->own_port,
                            .destination_port = connection->other_port,
                            .seq = seq,
                            .ack = flags & WIRE_ACK ? connection->expected : 0,
                            .flags = flags,
                            .payload = payload,
                            .payload_bytes = payload_bytes};
  // RFC 7323, 2.2: the window of a SYN is not scaled.
  uint32_t window = options.window_bytes >> (flags & WIRE_SYN ? 0 : WINDOW_SCALE);
  segment.window = (uint16_t)(window > UINT16_MAX ? UINT16_MAX : window);
  if (flags & WIRE_SYN) {
    put_syn_options(&segment, connection);
  } else if (!(flags & WIRE_RST)) {
    if (connection->has_timestamps) put_timestamps(&segment, connection);
    if (connection->piece_count > 0 && connection->has_sack) put_sack(&segment, connection);
  }
  outbox_put(&segment);
  connection->pending_segments = 0;
  connection->dirty = false;
  counted.acks += (flags & (WIRE_ACK | WIRE_SYN)) == WIRE_ACK && payload_bytes == 0;
}

static void mark_dirty(struct connection* connection) {
  if (connection->dirty) return;
  // A connection that was removed, or answered at once, leaves its place here unused.
  if (dirty_count == TCP_MAX_CONNECTIONS) tcp_acknowledge();
  connection->dirty = true;
  dirty[dirty_count++] = connection;
}

void tcp_acknowledge(void) {
  for (uint32_t i = 0; i < dirty_count; i++)
    if (dirty[i]->dirty) connection_send(dirty[i], WIRE_ACK, dirty[i]->next_seq, NULL, 0);
  dirty_count = 0;
}

// --- What the other side sends

static void read_syn_options(struct connection* connection, const struct wire_event* event) {
  for (unsigned at = 0; at < event->options_bytes;) {
    uint8_t kind = event->options[at];
    if (kind == OPTION_END) return;
    if (kind == OPTION_NOP) {
      at++;
      continue;
    }
    if (at + 1 >= event->options_bytes) return;
    uint8_t bytes = event->options[at + 1];
    if (bytes < 2 || at + bytes > event->options_bytes) return;
    const uint8_t* value = &event->options[at + 2];
    if (kind == OPTION_SACK_PERMITTED) connection->has_sack = 1;
    if (kind == OPTION_TIMESTAMPS && bytes == 10) {
      connection->has_timestamps = 1;
      connection->echo = (uint32_t)value[0] << 24 | (uint32_t)value[1] << 16 | (uint32_t)value[2] << 8 | value[3];
    }
    at += bytes;
  }
}

static void begin_stream(struct connection* connection, const struct wire_event* event) {
  connection->first_seq = connection->expected = connection->highest = event->seq + 1;
  read_syn_options(connection, event);
}

static void on_syn(struct connection* connection, const struct wire_event* event) {
  if (connection != NULL && connection->state == CONNECTION_SYN_SENT && event->flags & WIRE_ACK) {
    connection->state = CONNECTION_OPEN;
    connection->has_sack = connection->has_timestamps = 0;
    begin_stream(connection, event);
    client_on_connected(connection);
    return;
  }
  if (event->flags & WIRE_ACK) return;
  if (connection == NULL) {
    connection = connection_add(event->family, event->destination_port, event->source_port);
    if (connection == NULL) {
      counted.refused++;
      return;
    }
    counted.opened++;
    connection->next_seq = (uint32_t)(random_share() * UINT32_MAX);
    begin_stream(connection, event);
  } else if (event->seq + 1 != connection->first_seq) {
    // The same ports come again, after a connection that ended without a FIN or a reset.
    connection->piece_count = 0;
    connection->fin_seen = false;
    connection->state = CONNECTION_OPEN;
    connection->stream_bytes = 0;
    connection->next_seq = (uint32_t)(random_share() * UINT32_MAX);
    counted.opened++;
    begin_stream(connection, event);
  } else {
    connection->next_seq--;
  }
  connection_send(connection, WIRE_SYN | WIRE_ACK, connection->next_seq, NULL, 0);
  connection->acked = ++connection->next_seq;
}

static void take(struct connection* connection, uint32_t begin, uint32_t end) {
  counted.lost_segments += !connection_take(connection, begin, end);
}

/// Takes new bytes, but for one segment of them where the loss falls on it.
static void take_with_loss(struct connection* connection, const struct wire_event* event) {
  uint32_t begin = event->seq;
  uint32_t end = begin + event->payload_bytes;
  uint32_t segment_bytes = (event->payload_bytes + event->segments - 1) / event->segments;
  for (uint32_t at = begin; is_before(at, end);) {
    uint32_t after = end - at > segment_bytes ? at + segment_bytes : end;
    if (random_share() < options.loss)
      counted.lost_segments++;
    else
      take(connection, at, after);
    at = after;
  }
}

static void verify(const struct connection* connection, const struct wire_event* event, bool resent) {
  // A FIN has a number of its own, and no place in the stream.
  uint32_t expected = connection->expected - (connection->state == CONNECTION_CLOSING);
  uint64_t offset = connection->stream_bytes - (uint64_t)(int64_t)(int32_t)(expected - event->seq);
  counted.hashed_packets++;
  if (pattern_hash(options.pattern_seed, offset, event->payload_bytes) == event->payload_hash) return;
  counted.changed_packets++;
  counted.changed_resent += resent;
}

static void on_payload(struct connection* connection, const struct wire_event* event) {
  uint32_t end = event->seq + event->payload_bytes;
  uint32_t new_bytes = is_before(connection->highest, end) ? end - connection->highest : 0;
  if (new_bytes > event->payload_bytes) new_bytes = event->payload_bytes;
  bool resent = new_bytes < event->payload_bytes;
  counted.new_bytes += new_bytes;
  counted.resent_bytes += event->payload_bytes - new_bytes;
  if (options.verify) verify(connection, event, resent);
  if (options.loss > 0 && !resent)
    take_with_loss(connection, event);
  else
    take(connection, event->seq, end);
  if (is_before(connection->highest, end)) connection->highest = end;
  connection->pending_segments += event->segments;
  mark_dirty(connection);
}

static void finish(struct connection* connection) {
  connection->expected = connection->fin_seq + 1;
  connection->state = CONNECTION_CLOSING;
  connection_send(connection, WIRE_FIN | WIRE_ACK, connection->next_seq, NULL, 0);
  connection->next_seq++;
  counted.finished++;
  if (connection->is_client) client_on_end(connection);
}

static void remove_connection(struct connection* connection) {
  if (connection->is_client) client_on_end(connection);
  connection_remove(connection);
}

static void on_segment(struct connection* connection, const struct wire_event* event) {
  if (event->has_timestamp && !is_before(connection->expected, event->seq)) connection->echo = event->timestamp;
  if (event->flags & WIRE_ACK && is_before(connection->acked, event->ack)) {
    connection->acked = event->ack;
    if (connection->is_client) client_on_progress(connection);
  }
  uint64_t before = connection->stream_bytes;
  if (event->payload_bytes > 0) {
    on_payload(connection, event);
  } else if (event->flags == WIRE_ACK && event->seq != connection->expected) {
    // A probe asks for an acknowledgement by a number that is out of order.
    mark_dirty(connection);
  }
  if (event->flags & WIRE_FIN && !connection->fin_seen) {
    connection->fin_seen = true;
    connection->fin_seq = event->seq + event->payload_bytes;
  } else if (event->flags & WIRE_FIN && connection->state == CONNECTION_CLOSING) {
    connection_send(connection, WIRE_FIN | WIRE_ACK, connection->next_seq - 1, NULL, 0);
  }
  if (connection->stream_bytes != before && connection->is_client) client_on_progress(connection);
  if (connection->fin_seen && connection->expected == connection->fin_seq && connection->state == CONNECTION_OPEN) finish(connection);
  if (connection->state == CONNECTION_CLOSING && connection->acked == connection->next_seq) {
    remove_connection(connection);
    return;
  }
  if (connection->dirty && options.ack_every > 0 && connection->pending_segments >= options.ack_every)
    connection_send(connection, WIRE_ACK, connection->next_seq, NULL, 0);
}

void tcp_on_event(const struct wire_event* event) {
  counted.events++;
  struct connection* connection = connection_find(event->family, event->destination_port, event->source_port);
  if (event->flags & WIRE_RST) {
    if (connection == NULL) return;
    counted.resets++;
    remove_connection(connection);
  } else if (event->flags & WIRE_SYN) {
    on_syn(connection, event);
  } else if (connection == NULL || connection->state == CONNECTION_SYN_SENT) {
    counted.strays++;
    counted.resent_bytes += event->payload_bytes;
  } else {
    on_segment(connection, event);
  }
}
