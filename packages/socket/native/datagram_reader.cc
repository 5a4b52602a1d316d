#include "datagram_reader.h"

#include <errno.h>

#include <algorithm>

#include "uapi.h"

namespace sendzc {
namespace {

constexpr size_t discard_batch = 64;
// Enough for the first byte of an IPv4 header, which holds that header's length.
constexpr size_t discard_slot_bytes = 4;
constexpr size_t verify_batch = 16;
// The largest message: 65,535 bytes of IP, or the 65,536 of a loopback frame with its Ethernet header.
constexpr size_t verify_slot_bytes = 65536 + 64;

}  // namespace

datagram_reader::datagram_reader(const receiver_options& options)
    : kind_(options.kind),
      verify_(options.verify),
      seed_(options.seed),
      slot_bytes_(options.verify ? verify_slot_bytes : discard_slot_bytes) {
  size_t batch = options.verify ? verify_batch : discard_batch;
  memory_.resize(batch * slot_bytes_);
  slots_.resize(batch);
  messages_.resize(batch);
  for (size_t i = 0; i < batch; i++) {
    slots_[i] = {memory_.data() + i * slot_bytes_, slot_bytes_};
    messages_[i].msg_hdr.msg_iov = &slots_[i];
    messages_[i].msg_hdr.msg_iovlen = 1;
  }
}

size_t datagram_reader::header_bytes(const uint8_t* message) const {
  if (kind_ == receive_kind::ethernet_raw) return ethernet_header_bytes;
  if (kind_ == receive_kind::ipv4_raw) return static_cast<size_t>(message[0] & 0x0F) * 4;
  return 0;
}

void datagram_reader::verify(const uint8_t* payload, size_t size, receive_totals& totals) const {
  datagram_header header;
  mismatch first;
  bool wrong = !read_datagram_header(payload, size, header) || header.total_bytes != size;
  uint64_t unit = wrong ? UINT64_MAX : header.sequence;
  if (wrong) {
    // The sequence number cannot be trusted: report what stands where the magic or the length should.
    uint8_t expected[datagram_header::bytes];
    fill_datagram(expected, sizeof(expected), seed_, 0);
    for (size_t i = 0; i < 4; i++) expected[4 + i] = static_cast<uint8_t>(size >> (8 * i));
    size_t shown = std::min<size_t>(size, 8);
    size_t at = static_cast<size_t>(std::mismatch(payload, payload + shown, expected).first - payload);
    size_t run = std::min(size - at, sizeof(expected));
    bool poisoned = run > 0 && std::all_of(payload + at, payload + at + run, [](uint8_t byte) { return byte == poison_byte; });
    first = {at, expected[at], at < size ? payload[at] : uint8_t{0}, poisoned};
    totals.verify_errors++;
  } else {
    if (header.sequence < totals.next_sequence) totals.out_of_order++;
    totals.next_sequence = std::max(totals.next_sequence, header.sequence + 1);
    uint64_t base = header.sequence * datagram_header::stride;
    size_t differing =
        verify_pattern(payload + datagram_header::bytes, size - datagram_header::bytes, seed_, base + datagram_header::bytes, first);
    if (differing == 0) return;
    first.offset -= base;
    totals.verify_errors += differing;
  }
  if (totals.has_mismatch) return;
  totals.has_mismatch = true;
  totals.first_mismatch = first;
  totals.first_mismatch_unit = unit;
}

int datagram_reader::read(int fd, receive_totals& totals) {
  int count;
  do {
    totals.read_calls++;
    count = recvmmsg(fd, messages_.data(), static_cast<unsigned>(messages_.size()), MSG_TRUNC | MSG_DONTWAIT, nullptr);
  } while (count < 0 && errno == EINTR);
  if (count < 0) return -errno;
  for (int i = 0; i < count; i++) {
    const auto* message = static_cast<const uint8_t*>(slots_[i].iov_base);
    size_t size = messages_[i].msg_len;
    size_t header = std::min(size, header_bytes(message));
    totals.bytes += size - header;
    if (verify_) {
      size_t stored = std::min(size, slot_bytes_);
      verify(message + header, stored - header, totals);
    }
  }
  totals.datagrams += static_cast<uint64_t>(count);
  return count;
}

}  // namespace sendzc
