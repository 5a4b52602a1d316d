// Test content in which every byte follows from a seed and its offset, so that a receiver knows the bytes that it should have got.
//
// The 8-byte little-endian word `i` is mix(seed' + i * odd constant): no two words of one seed are equal, so that displaced,
// repeated or lost content is found, and the loop has no multiplication, so that it runs at about the speed of memory.
#pragma once

#include <cstddef>
#include <cstdint>

namespace sendzc {

// A caller that poisons its buffer at release fills it with this byte.
constexpr uint8_t poison_byte = 0xDB;

struct mismatch {
  uint64_t offset = 0;
  uint8_t expected = 0;
  uint8_t got = 0;
  bool looks_poisoned = false;  // the following bytes too, as far as they are at hand (up to 16)
};

void fill_pattern(uint8_t* out, size_t size, uint64_t seed, uint64_t offset);

// The number of bytes that differ; `first` is written where there are any.
size_t verify_pattern(const uint8_t* in, size_t size, uint64_t seed, uint64_t offset, mismatch& first);

// A datagram is this header and a pattern. All fields little-endian.
struct datagram_header {
  static constexpr uint32_t magic_value = 0x315A4353;  // "SCZ1"
  static constexpr size_t bytes = 16;
  // Byte `j` of datagram `sequence` is the pattern's byte at sequence * stride + j.
  static constexpr uint64_t stride = 131072;

  uint32_t total_bytes = 0;  // header included
  uint64_t sequence = 0;
};

// `size` is at least datagram_header::bytes and at most datagram_header::stride.
void fill_datagram(uint8_t* out, size_t size, uint64_t seed, uint64_t sequence);

// False: too short, or without the magic.
bool read_datagram_header(const uint8_t* in, size_t size, datagram_header& header);

}  // namespace sendzc
