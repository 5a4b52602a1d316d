#include "pattern.h"

#include <endian.h>

#include <algorithm>
#include <cstring>

namespace sendzc {
namespace {

constexpr uint64_t step = 0x9E3779B97F4A7C15;       // 2^64 / golden ratio, odd
constexpr uint64_t seed_step = 0xD1B54A32D192ED03;  // another odd constant, so that seeds are not shifts of each other
constexpr size_t word_bytes = 8;
// Compared at once before looking for the first difference.
constexpr size_t block_words = 512;
constexpr size_t poison_run_bytes = 16;

uint64_t state_at(uint64_t seed, uint64_t word) { return (seed + 1) * seed_step + word * step; }
uint64_t word_of(uint64_t state) { return htole64(state ^ (state >> 32)); }

uint8_t byte_at(uint64_t seed, uint64_t offset) {
  uint8_t bytes[word_bytes];
  uint64_t word = word_of(state_at(seed, offset / word_bytes));
  memcpy(bytes, &word, word_bytes);
  return bytes[offset % word_bytes];
}

size_t verify_bytes(const uint8_t* in, size_t size, uint64_t seed, uint64_t offset, bool found, mismatch& first) {
  size_t differing = 0;
  for (size_t i = 0; i < size; i++) {
    uint8_t expected = byte_at(seed, offset + i);
    if (in[i] == expected) continue;
    if (!found) {
      found = true;
      size_t run = std::min(size - i, poison_run_bytes);
      bool poisoned = std::all_of(in + i, in + i + run, [](uint8_t byte) { return byte == poison_byte; });
      first = {offset + i, expected, in[i], poisoned};
    }
    differing++;
  }
  return differing;
}

}  // namespace

void fill_pattern(uint8_t* out, size_t size, uint64_t seed, uint64_t offset) {
  size_t at = 0;
  for (; at < size && (offset + at) % word_bytes != 0; at++) out[at] = byte_at(seed, offset + at);
  uint64_t state = state_at(seed, (offset + at) / word_bytes);
  for (; size - at >= word_bytes; at += word_bytes, state += step) {
    uint64_t word = word_of(state);
    memcpy(out + at, &word, word_bytes);
  }
  for (; at < size; at++) out[at] = byte_at(seed, offset + at);
}

size_t verify_pattern(const uint8_t* in, size_t size, uint64_t seed, uint64_t offset, mismatch& first) {
  size_t head = std::min<size_t>(size, (word_bytes - offset % word_bytes) % word_bytes);
  size_t differing = verify_bytes(in, head, seed, offset, false, first);
  size_t at = head;
  while (size - at >= word_bytes) {
    size_t words = std::min(block_words, (size - at) / word_bytes);
    uint64_t state = state_at(seed, (offset + at) / word_bytes);
    uint64_t difference = 0;
    for (size_t i = 0; i < words; i++) {
      uint64_t word;
      memcpy(&word, in + at + i * word_bytes, word_bytes);
      difference |= word ^ word_of(state + i * step);
    }
    if (difference != 0) differing += verify_bytes(in + at, words * word_bytes, seed, offset + at, differing != 0, first);
    at += words * word_bytes;
  }
  return differing + verify_bytes(in + at, size - at, seed, offset + at, differing != 0, first);
}

void fill_datagram(uint8_t* out, size_t size, uint64_t seed, uint64_t sequence) {
  uint32_t magic = htole32(datagram_header::magic_value);
  uint32_t total = htole32(static_cast<uint32_t>(size));
  uint64_t number = htole64(sequence);
  memcpy(out, &magic, 4);
  memcpy(out + 4, &total, 4);
  memcpy(out + 8, &number, 8);
  fill_pattern(out + datagram_header::bytes, size - datagram_header::bytes, seed,
               sequence * datagram_header::stride + datagram_header::bytes);
}

bool read_datagram_header(const uint8_t* in, size_t size, datagram_header& header) {
  if (size < datagram_header::bytes) return false;
  uint32_t magic;
  uint32_t total;
  uint64_t sequence;
  memcpy(&magic, in, 4);
  memcpy(&total, in + 4, 4);
  memcpy(&sequence, in + 8, 8);
  if (le32toh(magic) != datagram_header::magic_value) return false;
  header.total_bytes = le32toh(total);
  header.sequence = le64toh(sequence);
  return true;
}

}  // namespace sendzc
