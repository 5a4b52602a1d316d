// The bytes of a test's stream at each place, as packages/socket/native/pattern.cc fills them.
#ifndef SENDZC_WIRE_PATTERN_H
#define SENDZC_WIRE_PATTERN_H

#include <stdint.h>

#include "wire_event.h"

#define PATTERN_WORD_BYTES 8

static inline uint8_t pattern_byte(uint64_t seed, uint64_t at) {
  // Its words are little-endian.
  uint64_t state = (seed + 1) * 0xD1B54A32D192ED03u + at / PATTERN_WORD_BYTES * 0x9E3779B97F4A7C15u;
  return (uint8_t)((state ^ state >> 32) >> (8 * (at % PATTERN_WORD_BYTES)));
}

/// @returns the hash that the classifier makes of a payload that is the pattern from `offset` on
static inline uint64_t pattern_hash(uint64_t seed, uint64_t offset, uint32_t bytes) {
  uint64_t hash = WIRE_HASH_BASIS;
  for (uint32_t i = 0; i < bytes; i++) hash = (hash ^ pattern_byte(seed, offset + i)) * WIRE_HASH_PRIME;
  return hash;
}

#endif
