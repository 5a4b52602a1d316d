#include "stream_reader.h"

#include <errno.h>
#include <sys/socket.h>

namespace sendzc {
namespace {

// Fits a second-level cache, so that verifying reads what the copy has just written.
constexpr size_t copy_bytes = 256 * 1024;
// As much as one call can drop: the kernel walks its queue once.
constexpr size_t truncate_bytes = size_t{1} << 30;

}  // namespace

stream_reader::stream_reader(const receiver_options& options)
    : truncate_(options.kind == receive_kind::tcp && !options.verify), verify_(options.verify), seed_(options.seed) {
  if (!truncate_) buffer_.resize(copy_bytes);
}

stream_state stream_reader::read(connection& from, receive_totals& totals) {
  ssize_t got;
  do {
    totals.read_calls++;
    got = truncate_ ? recv(from.fd.get(), nullptr, truncate_bytes, MSG_TRUNC | MSG_DONTWAIT)
                    : recv(from.fd.get(), buffer_.data(), buffer_.size(), MSG_DONTWAIT);
  } while (got < 0 && errno == EINTR);
  if (got == 0) return stream_state::closed;
  if (got < 0) return errno == EAGAIN ? stream_state::would_block : stream_state::reset;
  size_t size = static_cast<size_t>(got);
  if (verify_) {
    mismatch first;
    size_t differing = verify_pattern(buffer_.data(), size, seed_, from.bytes, first);
    if (differing != 0 && !totals.has_mismatch) {
      totals.has_mismatch = true;
      totals.first_mismatch = first;
      totals.first_mismatch_unit = from.number;
    }
    totals.verify_errors += differing;
  }
  from.bytes += size;
  totals.bytes += size;
  return stream_state::open;
}

}  // namespace sendzc
