#include "sender.h"

#include <errno.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <algorithm>
#include <cstring>
#include <utility>

#include "earlier_sends.h"
#include "sendzc/send_file.h"
#include "sendzc/send_queue.h"
#include "system_call.h"
#include "uapi.h"

namespace sendzc {

namespace {

// A vsock send of more than one packet can take more than one id when memory runs out between two; up to this it is one packet.
constexpr uint64_t max_vsock_zerocopy_bytes = 65536;

// Shortens a message to `limit` bytes.
void truncate_segments(outgoing_message& message, uint64_t limit) {
  uint64_t bytes = 0;
  for (uint32_t i = 0; i < message.segment_count; i++) {
    uint64_t length = message.segments[i].iov_len;
    if (bytes + length < limit) {
      bytes += length;
      continue;
    }
    message.segments[i].iov_len = static_cast<size_t>(limit - bytes);
    message.segment_count = i + 1;
    return;
  }
}

void fill_header(msghdr& header, const outgoing_message& message) {
  memset(&header, 0, sizeof(header));
  header.msg_iov = message.segments;
  header.msg_iovlen = message.segment_count;
  if (message.to != nullptr) message.to->address(header);
}

// Whether a call with this result has filled its placeholder. A call that lacked memory has, since collecting is what frees it.
bool is_answered(int64_t result) { return result > 0 || result == -ENOBUFS; }

}  // namespace

sender::sender(opened_socket&& opened, uint32_t max_in_flight, uint32_t interval, notification_source* source)
    : fd_(std::move(opened.fd)),
      claim_(std::move(opened.claim)),
      ids_(source == nullptr ? 1 : max_in_flight * 2, !opened.was_zerocopy),
      source_(source),
      interval_(interval),
      domain_(opened.facts.domain),
      takes_envelopes_(sendzc::takes_envelopes(opened.facts)),
      is_stream_(sendzc::is_stream(opened.facts)),
      is_tcp_(is_stream_ && domain_ != AF_VSOCK),
      reports_errors_(opened.reports_errors) {}

sender::route sender::route_for(bool wants_zerocopy, uint64_t bytes, uint32_t pending) {
  // An empty message gets no id from the kernel, so it would never be notified.
  if (!wants_zerocopy || bytes == 0 || source_ == nullptr) return route::copy;
  if (ids_.knows_next()) return ids_.has_room(pending) ? route::zerocopy : route::blocked;
  if (ids_.awaits_calibration() && in_flight() == 0 && pending == 0 && earlier_sends_are_done()) return route::zerocopy;
  return route::copy;
}

// A notification of an earlier user's send must not be taken for that of the driver's first. That first send therefore waits until
// everything that was queued when it was first asked for is acknowledged (TCP) or has left (datagrams), and until the error queue is empty.
bool sender::earlier_sends_are_done() {
  if (earlier_sends_done_) return true;
  if (is_tcp_ && !acked_bytes_asked_) {
    acked_bytes_target_ = acked_bytes_when_sent(fd());
    acked_bytes_asked_ = true;
  }
  bool done = is_tcp_ && acked_bytes_target_ != 0 ? acked_bytes_reached(fd(), acked_bytes_target_) : send_queue_is_empty(fd());
  if (!done) return false;
  collect_result result = source_->collect(fd(), true, *this);
  counters_.collect_calls += result.calls;
  counters_.empty_collect_calls += result.empty;
  earlier_sends_done_ = result.error == 0;
  return earlier_sends_done_;
}

uint32_t sender::room_before_collection() const {
  if (interval_ == 0) return max_messages_per_call;
  return std::max<uint32_t>(1, interval_ > since_collection_ ? interval_ - since_collection_ : 0);
}

int sender::send_flags(bool zerocopy) const { return MSG_DONTWAIT | MSG_NOSIGNAL | (zerocopy ? MSG_ZEROCOPY : 0); }

bool sender::take_pending_error(outgoing_message& message) {
  if (pending_error_ == 0) return false;
  message.result = pending_error_;
  message.failed = pending_call_;
  pending_error_ = 0;
  return true;
}

// A call that was interrupted at every repetition is answered with `no room`: the caller waits for the retry, and the event loop runs
// meanwhile. After max_failures of these the answer is the errno.
int64_t sender::answer_of_send(int64_t result) {
  if (result != -EINTR) {
    send_retry_.succeeded();
    return result;
  }
  return send_retry_.failed() ? -EAGAIN : -EINTR;
}

// Attaches the placeholder of the inline notification where this send makes a collection due. The header may have been attached to before.
bool sender::attach(msghdr& header, const outgoing_message& message, uint32_t more) {
  if (!source_->rides_on_sends() || !is_due(more)) return false;
  if (message.to != nullptr) message.to->address(header);
  source_->attach(header);
  return true;
}

void sender::after_zerocopy(outgoing_message& message) {
  ids_.sent(message.token, message.chain);
  message.shared = true;
  since_collection_++;
}

void sender::send_stream(outgoing_message& message, bool zerocopy) {
  if (take_pending_error(message)) return;
  if (zerocopy && domain_ == AF_VSOCK) truncate_segments(message, max_vsock_zerocopy_bytes);
  msghdr header;
  fill_header(header, message);
  bool carries = zerocopy && attach(header, message, 1);
  message.result = answer_of_send(send_message(fd(), header, send_flags(zerocopy)));
  counters_.send_calls++;
  attached_ = carries && is_answered(message.result);
  if (message.result < 0) message.failed = system_call::sendmsg;
  if (message.result <= 0 || !zerocopy) return;
  after_zerocopy(message);
}

int64_t sender::send_file(int file, int64_t offset, int64_t bytes) {
  if (pending_error_ != 0) return std::exchange(pending_error_, 0);
  counters_.send_calls++;
  return sendzc::send_file(fd(), file, offset, bytes);
}

unsigned sender::send_datagrams(outgoing_message* messages, unsigned count, bool zerocopy) {
  if (take_pending_error(messages[0])) return 1;
  return count == 1 || many_refused_ ? send_one(messages[0], zerocopy) : send_many(messages, count, zerocopy);
}

unsigned sender::send_one(outgoing_message& message, bool zerocopy) {
  msghdr header;
  fill_header(header, message);
  bool carries = zerocopy && attach(header, message, 1);
  int64_t result = answer_of_send(send_message(fd(), header, send_flags(zerocopy)));
  counters_.send_calls++;
  attached_ = carries && is_answered(result);
  if (result < 0) return send_failed(message, zerocopy, result, system_call::sendmsg);
  message.result = result;
  if (zerocopy) after_zerocopy(message);
  return 1;
}

unsigned sender::send_many(outgoing_message* messages, unsigned count, bool zerocopy) {
  mmsghdr headers[max_messages_per_call];
  for (unsigned i = 0; i < count; i++) fill_header(headers[i].msg_hdr, messages[i]);
  unsigned done = 0;
  while (done < count) {
    bool carries = zerocopy && attach(headers[count - 1].msg_hdr, messages[count - 1], count - done);
    int64_t sent = answer_of_send(send_messages(fd(), headers + done, count - done, send_flags(zerocopy)));
    counters_.send_calls++;
    many_refused_ = sent == -ENOSYS;
    if (many_refused_) return done + send_one(messages[done], zerocopy);
    if (sent <= 0) {
      attached_ = carries && done + 1 == count && is_answered(sent);
      return done + send_failed(messages[done], zerocopy, sent == 0 ? -EAGAIN : sent, system_call::sendmmsg);
    }
    for (unsigned i = 0; i < sent; i++, done++) {
      messages[done].result = headers[done].msg_len;
      if (zerocopy) after_zerocopy(messages[done]);
    }
    // A call that took fewer than `count` says nothing of why: the next one begins with the message that failed and answers with its error.
    attached_ = carries && done == count;
  }
  return done;
}

unsigned sender::send_failed(outgoing_message& message, bool zerocopy, int64_t error, system_call call) {
  message.result = error;
  message.failed = call;
  if (!zerocopy) return 1;
  message.too_large = error == -EMSGSIZE;
  if (!message.too_large && ids_.knows_next() && may_have_used_id(static_cast<int>(error))) {
    ids_.failed_in_doubt(message.token, message.chain);
    message.shared = true;
  }
  return 1;
}

// A datagram can fail before it has an id, or after: when it is dropped on its way down the stack, the id is used up and its notification
// comes. The errors named here occur before, or leave no doubt.
bool sender::may_have_used_id(int error) const {
  switch (-error) {
    case EAGAIN:
    case EINTR:
    case EFAULT:
    case EBADF:
    case ENOTCONN:
    case EDESTADDRREQ:
    case EPIPE:
    case ECONNREFUSED:
      return false;
    case ENOBUFS:
      // The kernel reports a drop by the device's queue only to a socket that has asked for such errors (udp_send_skb).
      return reports_errors_;
    default:
      return true;
  }
}

void sender::resend_as_copy(outgoing_message& message, release_sink& releases) {
  message.too_large = false;
  // If a layer below the socket refused the size, the id is used up and its notification is here already: the packet was dropped whole,
  // within the call.
  ids_.suspect_next(true);
  run_source(releases, true);
  ids_.suspect_next(false);
  counters_.fragment_copies++;
  msghdr header;
  fill_header(header, message);
  message.result = answer_of_send(send_message(fd(), header, send_flags(false)));
  message.failed = message.result < 0 ? system_call::sendmsg : system_call::none;
  counters_.send_calls++;
}

int sender::abort() {
  if (!is_tcp_) return 0;
  sockaddr unspecified{};
  unspecified.sa_family = AF_UNSPEC;
  return connect(fd(), &unspecified, sizeof(unspecified)) == 0 ? 0 : -errno;
}

int32_t sender::undelivered() const { return is_tcp_ ? std::max(0, undelivered_bytes(fd())) : 0; }

int64_t sender::acknowledged() const { return is_tcp_ ? std::max<int64_t>(0, acknowledged_bytes(fd())) : 0; }

}  // namespace sendzc
