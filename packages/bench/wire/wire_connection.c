// The table of connections: a hash of the ports, open addressing, entries moved up where one is removed. A connection itself never moves.
#include "wire_connection.h"

#include <stdlib.h>
#include <string.h>

#define SLOTS (TCP_MAX_CONNECTIONS * 2)

static struct connection connections[TCP_MAX_CONNECTIONS];
static uint32_t free_list[TCP_MAX_CONNECTIONS];
static uint32_t free_count;
static uint32_t never_used = TCP_MAX_CONNECTIONS;
/// Index of a connection plus one; 0 = empty.
static uint32_t slots[SLOTS];

static uint32_t home_of(uint8_t family, uint16_t own_port, uint16_t other_port) {
  uint32_t key = (uint32_t)own_port << 16 | other_port;
  return ((key ^ family) * 0x9e3779b1u >> 8) % SLOTS;
}

static bool is_it(const struct connection* connection, uint8_t family, uint16_t own_port, uint16_t other_port) {
  return connection->other_port == other_port && connection->own_port == own_port && connection->family == family;
}

struct connection* connection_find(uint8_t family, uint16_t own_port, uint16_t other_port) {
  for (uint32_t at = home_of(family, own_port, other_port); slots[at] != 0; at = (at + 1) % SLOTS) {
    struct connection* connection = &connections[slots[at] - 1];
    if (is_it(connection, family, own_port, other_port)) return connection;
  }
  return NULL;
}

struct connection* connection_add(uint8_t family, uint16_t own_port, uint16_t other_port) {
  if (free_count == 0 && never_used == 0) return NULL;
  uint32_t index = free_count > 0 ? free_list[--free_count] : --never_used;
  struct connection* connection = &connections[index];
  struct piece* pieces = connection->pieces;
  *connection = (struct connection){
      .state = CONNECTION_OPEN, .family = family, .own_port = own_port, .other_port = other_port, .pieces = pieces, .member = -1};
  uint32_t at = home_of(family, own_port, other_port);
  while (slots[at] != 0) at = (at + 1) % SLOTS;
  slots[at] = index + 1;
  return connection;
}

/// Closes the gap at `hole`, so that no search ends before its entry.
static void close_gap(uint32_t hole) {
  for (uint32_t at = (hole + 1) % SLOTS; slots[at] != 0; at = (at + 1) % SLOTS) {
    const struct connection* moved = &connections[slots[at] - 1];
    uint32_t home = home_of(moved->family, moved->own_port, moved->other_port);
    uint32_t from_home = (at - home + SLOTS) % SLOTS;
    uint32_t from_hole = (at - hole + SLOTS) % SLOTS;
    if (from_home < from_hole) continue;
    slots[hole] = slots[at];
    hole = at;
  }
  slots[hole] = 0;
}

void connection_remove(struct connection* connection) {
  uint32_t index = (uint32_t)(connection - connections);
  uint32_t at = home_of(connection->family, connection->own_port, connection->other_port);
  while (slots[at] != index + 1) at = (at + 1) % SLOTS;
  close_gap(at);
  connection->state = CONNECTION_FREE;
  connection->dirty = false;
  free_list[free_count++] = index;
}

/// @returns false where there is no room for another piece
static bool keep_piece(struct connection* connection, uint32_t begin, uint32_t end) {
  if (connection->pieces == NULL) connection->pieces = calloc(TCP_MAX_PIECES + 1, sizeof(*connection->pieces));
  struct piece* pieces = connection->pieces;
  if (pieces == NULL) return false;
  uint32_t at = 0;
  while (at < connection->piece_count && is_before(pieces[at].end, begin)) at++;
  uint32_t past = at;
  while (past < connection->piece_count && !is_before(end, pieces[past].begin)) {
    if (is_before(pieces[past].begin, begin)) begin = pieces[past].begin;
    if (is_before(end, pieces[past].end)) end = pieces[past].end;
    past++;
  }
  if (past == at && connection->piece_count == TCP_MAX_PIECES) return false;
  memmove(&pieces[at + 1], &pieces[past], (connection->piece_count - past) * sizeof(*pieces));
  connection->piece_count += at + 1 - past;
  pieces[at] = (struct piece){begin, end};
  return true;
}

bool connection_take(struct connection* connection, uint32_t begin, uint32_t end) {
  if (!is_before(connection->expected, end)) return true;
  if (is_before(connection->expected, begin)) return keep_piece(connection, begin, end);
  uint32_t before = connection->expected;
  connection->expected = end;
  uint32_t gone = 0;
  for (; gone < connection->piece_count && !is_before(connection->expected, connection->pieces[gone].begin); gone++)
    if (is_before(connection->expected, connection->pieces[gone].end)) connection->expected = connection->pieces[gone].end;
  connection->piece_count -= gone;
  if (gone > 0) memmove(connection->pieces, connection->pieces + gone, connection->piece_count * sizeof(struct piece));
  connection->stream_bytes += connection->expected - before;
  return true;
}
