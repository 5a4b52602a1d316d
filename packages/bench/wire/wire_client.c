// The peer as a client: connects to a program's listener, sends a request, and sends it again when the response is whole.
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "wire_connection.h"

#define FIRST_PORT 10000
/// Connections that may be opening at once: below a listener's usual backlog.
#define MAX_OPENING 64
/// After so long without an answer a SYN or a request goes out again.
#define RETRY_NS 200000000u
/// Nobody listened, or the listener refused: tried again so often at most, over 10 s.
#define MAX_REFUSALS 100
#define REFUSED_PAUSE_NS 100000000u
#define BUCKETS_PER_DOUBLING 32.0

static struct client_options options;
static struct client_counters counted;
static bool running;
static uint32_t opened;
static uint32_t opening;
static uint32_t refusals;
static uint64_t open_after_ns;
static uint64_t next_request_ns;
static struct connection* members[TCP_MAX_CONNECTIONS];
/// Indices of members that wait for their next request, oldest first, where a rate is set.
static uint32_t idle[TCP_MAX_CONNECTIONS];
static uint32_t idle_first;
static uint32_t idle_count;

const struct client_counters* client_counted(void) { return &counted; }

double client_bucket_us(unsigned bucket) { return exp2((bucket + 1) / BUCKETS_PER_DOUBLING) - 1; }

static unsigned bucket_of(uint64_t ns) {
  double bucket = log2((double)ns / 1000.0 + 1) * BUCKETS_PER_DOUBLING;
  return bucket >= CLIENT_LATENCY_BUCKETS ? CLIENT_LATENCY_BUCKETS - 1 : (unsigned)bucket;
}

bool client_start(const struct client_options* wanted, uint64_t now_ns) {
  if (running || wanted->connections > TCP_MAX_CONNECTIONS || wanted->request_bytes > FRAME_MAX_PAYLOAD_BYTES) return false;
  options = *wanted;
  running = true;
  next_request_ns = now_ns;
  return true;
}

static void send_request(struct connection* connection, uint64_t now_ns, uint64_t intended_ns) {
  connection->request_ns = intended_ns;
  connection->retry_ns = now_ns + RETRY_NS;
  connection->response_end = connection->stream_bytes + options.response_bytes;
  connection->waiting = true;
  connection_send(connection, WIRE_ACK, connection->next_seq, options.request, options.request_bytes);
  connection->next_seq += options.request_bytes;
  counted.requests++;
}

static void become_idle(struct connection* connection) {
  if (options.rate_per_second <= 0) {
    uint64_t now_ns = clock_ns();
    send_request(connection, now_ns, now_ns);
    return;
  }
  idle[(idle_first + idle_count++) % TCP_MAX_CONNECTIONS] = (uint32_t)connection->member;
}

void client_on_connected(struct connection* connection) {
  counted.connected++;
  opening--;
  connection->acked = connection->next_seq;
  connection_send(connection, WIRE_ACK, connection->next_seq, NULL, 0);
  become_idle(connection);
}

void client_on_progress(struct connection* connection) {
  if (!connection->waiting || connection->stream_bytes < connection->response_end) return;
  connection->waiting = false;
  counted.responses++;
  counted.latency_count[bucket_of(clock_ns() - connection->request_ns)]++;
  become_idle(connection);
}

static void forget(struct connection* connection) {
  connection->is_client = false;
  members[connection->member] = NULL;
}

void client_on_end(struct connection* connection) {
  if (connection->state == CONNECTION_SYN_SENT) {
    uint64_t now_ns = clock_ns();
    opening--;
    opened--;
    // The listener refuses together the connections that were opening together.
    if (now_ns < open_after_ns) return forget(connection);
    refusals++;
    open_after_ns = now_ns + REFUSED_PAUSE_NS;
  } else {
    counted.failed++;
  }
  forget(connection);
}

static void open_some(uint64_t now_ns) {
  for (uint32_t at = 0; opened < options.connections && opening < MAX_OPENING && now_ns >= open_after_ns && at < options.connections;
       at++) {
    if (members[at] != NULL || refusals > MAX_REFUSALS) continue;
    struct connection* connection = connection_add(options.family, (uint16_t)(FIRST_PORT + at), options.port);
    if (connection == NULL) return;
    members[at] = connection;
    connection->is_client = true;
    connection->member = (int)at;
    connection->state = CONNECTION_SYN_SENT;
    connection->has_sack = connection->has_timestamps = 1;
    connection->next_seq = (uint32_t)(now_ns * 31 + at * 7919);
    connection->retry_ns = now_ns + RETRY_NS;
    opened++;
    opening++;
    connection_send(connection, WIRE_SYN, connection->next_seq, NULL, 0);
    connection->acked = connection->next_seq++;
  }
}

static void repeat(struct connection* connection, uint64_t now_ns) {
  connection->retry_ns = now_ns + RETRY_NS;
  if (connection->state == CONNECTION_SYN_SENT)
    connection_send(connection, WIRE_SYN, connection->next_seq - 1, NULL, 0);
  else if (connection->waiting && connection->acked != connection->next_seq)
    connection_send(connection, WIRE_ACK, connection->next_seq - options.request_bytes, options.request, options.request_bytes);
}

static void send_due(uint64_t now_ns) {
  if (options.rate_per_second <= 0 || counted.connected == 0) return;
  uint64_t gap_ns = (uint64_t)(1e9 / options.rate_per_second);
  for (; next_request_ns <= now_ns; next_request_ns += gap_ns) {
    struct connection* connection = NULL;
    while (idle_count > 0 && connection == NULL) {
      connection = members[idle[idle_first]];
      idle_first = (idle_first + 1) % TCP_MAX_CONNECTIONS;
      idle_count--;
    }
    if (connection == NULL) {
      // The next connection that is free sends it: the request's time counts from now on.
      counted.late++;
      return;
    }
    send_request(connection, now_ns, next_request_ns);
  }
}

void client_tick(uint64_t now_ns) {
  static uint64_t next_look_ns;
  if (!running) return;
  open_some(now_ns);
  send_due(now_ns);
  if (now_ns < next_look_ns) return;
  next_look_ns = now_ns + RETRY_NS / 2;
  for (uint32_t at = 0; at < options.connections; at++)
    if (members[at] != NULL && members[at]->retry_ns <= now_ns) repeat(members[at], now_ns);
}

uint64_t client_next_due_ns(void) {
  if (!running) return UINT64_MAX;
  uint64_t now_ns = clock_ns();
  uint64_t look_ns = now_ns + RETRY_NS / 2;
  if (opened < options.connections && opening < MAX_OPENING) return now_ns + 1000000u;
  return options.rate_per_second > 0 && idle_count > 0 && next_request_ns < look_ns ? next_request_ns : look_ns;
}
