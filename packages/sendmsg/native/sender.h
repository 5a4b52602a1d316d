// Sends messages over one socket, and collects the notifications of those without a copy.
#pragma once

#include <sys/socket.h>
#include <sys/uio.h>

#include <algorithm>
#include <cstdint>
#include <memory>

#include "id_ledger.h"
#include "notification_source.h"
#include "open_socket.h"
#include "release_sink.h"
#include "retry_pause.h"
#include "sendzc/envelope.h"
#include "sendzc/unique_fd.h"
#include "system_call.h"

namespace sendzc {

// One message on its way out. `segments` is the caller's scratch and may be changed by the send.
struct outgoing_message {
  iovec* segments = nullptr;
  envelope* to = nullptr;  // where a datagram goes, and how; null: to the peer of the socket
  uint32_t segment_count = 0;
  uint32_t token = 0;
  uint32_t chain = 0;
  uint64_t bytes = 0;
  int64_t result = 0;                      // bytes queued or a negated errno
  system_call failed = system_call::none;  // the call that answered with the errno
  bool shared = false;                     // the kernel may read the memory until its notification
  bool too_large = false;                  // for a zero-copy datagram; see resend_as_copy()
};

struct sender_counters {
  uint64_t send_calls = 0;
  uint64_t collect_calls = 0;
  uint64_t empty_collect_calls = 0;
  uint64_t notifications = 0;
  uint64_t notified_ids = 0;
  uint64_t foreign_errors = 0;
  // Notified ids that belong to no message of this driver.
  uint64_t unknown_ids = 0;
  // Messages that asked for zero-copy and were copied because the next id was not known.
  uint64_t uncounted_copies = 0;
  // Datagrams of too many page fragments for zero-copy, sent as a copy.
  uint64_t fragment_copies = 0;
};

class sender final : private notification_sink {
 public:
  enum class route { copy, zerocopy, blocked };
  // Messages of one sendmmsg.
  static constexpr unsigned max_messages_per_call = 64;

  // `source` is null for a driver that only copies. With `interval` 0 only collect() collects.
  sender(opened_socket&& opened, uint32_t max_in_flight, uint32_t interval, notification_source* source);

  int fd() const { return fd_.get(); }
  bool is_stream() const { return is_stream_; }
  uint32_t in_flight() const override { return ids_.in_flight(); }
  const sender_counters& counters() const { return counters_; }

  // 0 or a negated errno. `words` as SendBatch.envelopes holds them.
  int fill_envelope(envelope& filled, const uint32_t* words) {
    return takes_envelopes_ ? filled.fill(words, fd(), domain_, envelope_socket_) : -EINVAL;
  }
  // The route of a message. `pending`: messages already routed to zero-copy and not yet sent.
  route route_for(bool wants_zerocopy, uint64_t bytes, uint32_t pending);
  // A message wanted zero-copy and is sent as a copy, because the next id is not known.
  void count_uncounted_copy() { counters_.uncounted_copies++; }
  // Zero-copy messages that may go out before a collection is due.
  uint32_t room_before_collection() const;

  // One message of a stream, by one sendmsg. A short send is a result, not an error.
  void send_stream(outgoing_message& message, bool zerocopy);
  // Sends datagrams of one route with as few system calls as possible. Returns how many were attempted. Where these are fewer than `count`,
  // the last of them failed, and the caller decides about the rest.
  unsigned send_datagrams(outgoing_message* messages, unsigned count, bool zerocopy);
  // Sends the next bytes of a file, on a stream.
  int64_t send_file(int file, int64_t offset, int64_t bytes);
  // Sends a datagram again that came back `too_large`.
  void resend_as_copy(outgoing_message& message, release_sink& releases);
  // To be called after the caller has reported the sends. Delivers the notifications that came back with them, and collects where it is
  // due.
  void settle(release_sink& releases);

  // Fetches the notifications that are there now. With nothing in flight it makes no call, unless forced. Returns how many messages it
  // found.
  uint32_t collect(release_sink& releases, bool force);
  // Whether the last collection took everything that was there.
  bool last_collection_was_complete() const { return last_collection_was_complete_; }
  // Aborts a TCP connection: the kernel drops the queued bytes and notifies their sends.
  int abort();
  // Bytes of a TCP connection that the peer has not acknowledged; 0 for every other socket.
  int32_t undelivered() const;
  // The bytes of a TCP connection that the peer has acknowledged since its beginning; 0 for every other socket.
  int64_t acknowledged() const;
  // The error of a collection, with which the next send answers; 0 where there is none.
  int pending_error() const { return pending_error_; }
  // True where a call failed in a way that may pass. A timer then makes the next wake-up, after retry_left_ms().
  bool awaits_retry() const { return send_retry_.is_failing() || (collect_retry_.is_failing() && in_flight() > 0); }
  int retry_left_ms() const { return std::max(send_retry_.left_ms(), collect_retry_.left_ms()); }
  bool awaits_send_retry() const { return send_retry_.is_failing(); }
  // True where collect() has to be called once the socket has room, even without a notification: a failed datagram is in doubt until then.
  bool waits_for_room() const { return ids_.is_in_doubt() && doubt_waits_for_room_; }
  // Removes every message in flight and reports each as abandoned.
  void abandon(release_sink& abandoned) { ids_.abandon(abandoned); }
  // Closes the descriptor. Nothing else may be called after that.
  void close() {
    claim_.release();
    fd_.reset();
  }

 private:
  void on_range(const completion_range& range) override;
  void on_foreign_error() override { counters_.foreign_errors++; }
  bool earlier_sends_are_done();
  bool may_have_used_id(int error) const;
  void resolve_doubt(release_sink& releases);
  uint32_t run_source(release_sink& releases, bool force);
  void after_zerocopy(outgoing_message& message);
  bool take_pending_error(outgoing_message& message);
  int64_t answer_of_send(int64_t result);
  int send_flags(bool zerocopy) const;
  unsigned send_one(outgoing_message& message, bool zerocopy);
  unsigned send_many(outgoing_message* messages, unsigned count, bool zerocopy);
  unsigned send_failed(outgoing_message& message, bool zerocopy, int64_t error, system_call call);
  void give_up_notifications(const collect_result& failed);
  bool is_due(uint32_t more) const { return interval_ > 0 && since_collection_ + more >= interval_; }
  bool attach(msghdr& header, const outgoing_message& message, uint32_t more);

  unique_fd fd_;
  socket_claim claim_;
  id_ledger ids_;
  notification_source* source_;
  release_sink* releases_ = nullptr;
  sender_counters counters_;
  uint64_t acked_bytes_target_ = 0;
  uint32_t interval_;
  uint32_t since_collection_ = 0;
  bool last_collection_was_complete_ = false;
  int pending_error_ = 0;
  system_call pending_call_ = system_call::none;
  retry_pause send_retry_;
  retry_pause collect_retry_;
  envelope_socket envelope_socket_;
  int32_t domain_;
  bool takes_envelopes_;
  bool is_stream_;
  bool is_tcp_;
  bool reports_errors_;
  bool attached_ = false;
  bool acked_bytes_asked_ = false;
  bool earlier_sends_done_ = false;
  bool doubt_waits_for_room_ = false;
  // A sandbox does not know sendmmsg.
  bool many_refused_ = false;
};

}  // namespace sendzc
