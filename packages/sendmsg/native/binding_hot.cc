#include "binding_hot.h"

#include <errno.h>

#include <utility>

#include "binding_arguments.h"

namespace sendzc {

namespace {

// Words of one message in the table; see SendBatch in packages/core/src/driver/send-batch.ts.
constexpr uint32_t table_words = 3;
constexpr uint32_t flag_zerocopy = 1;
constexpr uint32_t flag_envelope = 2;
constexpr uint32_t flag_holds_rest = 4;

// True for an error that the messages behind the failed one would meet as well.
bool is_shortage(int64_t result) { return result == -EAGAIN || result == -ENOBUFS || result == -ENOMEM; }

// Where the segments of a batch come from: an array, or the one segment itself.
struct segment_source {
  napi_value value;
  bool is_array;
};

class batch_submission {
 public:
  // `envelopes` is null where no message has one.
  batch_submission(napi_env env, driver& to, send_scratch& scratch, segment_source segments, const uint32_t* table, uint32_t count,
                   const uint32_t* envelopes)
      : env_(env),
        to_(to),
        scratch_(scratch),
        run_(scratch.run),
        segments_(segments),
        table_(table),
        count_(count),
        envelopes_(envelopes) {}

  void run() {
    if (to_.sends.is_stream()) {
      run_stream();
    } else {
      run_datagrams();
    }
  }

 private:
  uint32_t token(uint32_t at) const { return table_[at * table_words]; }
  uint32_t segment_count(uint32_t at) const { return table_[at * table_words + 1]; }
  bool wants_zerocopy(uint32_t at) const { return (table_[at * table_words + 2] & flag_zerocopy) != 0; }

  bool has_envelope(uint32_t at) const { return (table_[at * table_words + 2] & flag_envelope) != 0; }

  // Where this message fails, those behind it are not attempted.
  bool holds_rest(uint32_t at) const { return (table_[at * table_words + 2] & flag_holds_rest) != 0; }

  // Returns 0 or a negated errno.
  int gather_envelope(uint32_t at, outgoing_message& message, envelope& filled) {
    if (envelopes_ == nullptr) return -EINVAL;
    message.to = &filled;
    return to_.sends.fill_envelope(filled, envelopes_ + at * envelope_words);
  }

  // Looks up the segments of message `at`. Returns 0 or a negated errno.
  int gather(uint32_t at, outgoing_message& message, iovec* into) {
    message = outgoing_message{};
    message.token = token(at);
    message.chain = pin_pool::none;
    message.segments = into;
    message.segment_count = segment_count(at);
    if (message.segment_count > max_segments_per_message) return -EINVAL;
    for (uint32_t i = 0; i < message.segment_count; i++) {
      napi_value element = segments_.value;
      napi_typedarray_type type = napi_int8_array;
      size_t length = 0;
      void* data = nullptr;
      if ((segments_.is_array && napi_get_element(env_, segments_.value, first_segment_ + i, &element) != napi_ok) ||
          napi_get_typedarray_info(env_, element, &type, &length, &data, &buffers_[i], nullptr) != napi_ok || type != napi_uint8_array) {
        return -EINVAL;
      }
      into[i] = iovec{data, length};
      message.bytes += length;
    }
    return 0;
  }

  // Pins the memory of the message that gather() has just looked up.
  bool pin(outgoing_message& message) {
    if (to_.pins.free_count() < message.segment_count) return false;
    for (uint32_t i = 0; i < message.segment_count; i++) {
      message.chain = to_.pins.push(message.chain, pin_array_buffer(buffers_[i]), message.segments[i].iov_len);
    }
    return true;
  }

  void report(outgoing_message& message) {
    if (message.result < 0) to_.note_failure(message.token, message.failed, message.result);
    if (message.shared) {
      to_.report_sent(message.token, message.result);
      return;
    }
    to_.pins.release(message.chain);
    to_.report_sent_unshared(message.token, message.result);
  }

  void cancel_from(uint32_t at) {
    for (; at < count_; at++) to_.report_sent_unshared(token(at), -ECANCELED);
  }

  void run_stream() {
    for (uint32_t at = 0; at < count_; at++) {
      outgoing_message message;
      int error = gather(at, message, scratch_.segments);
      if (error == 0) error = send_on_stream(at, message);
      if (error != 0) message.result = error;
      bool whole = message.result >= 0 && static_cast<uint64_t>(message.result) == message.bytes;
      report(message);
      to_.sends.settle(to_);
      if (!whole) return cancel_from(at + 1);
      first_segment_ += segment_count(at);
    }
  }

  int send_on_stream(uint32_t at, outgoing_message& message) {
    sender::route route = to_.sends.route_for(wants_zerocopy(at), message.bytes, 0);
    if (route == sender::route::blocked) return -ENOBUFS;
    bool zerocopy = route == sender::route::zerocopy;
    if (!zerocopy && wants_zerocopy(at) && message.bytes > 0) to_.sends.count_uncounted_copy();
    if (zerocopy && !pin(message)) return -ENOBUFS;
    to_.sends.send_stream(message, zerocopy);
    return 0;
  }

  void run_datagrams() {
    uint32_t at = 0;
    while (at < count_) {
      uint32_t length = gather_run(at);
      if (length == 0) {
        to_.report_sent_unshared(token(at), run_error_);
        if (is_shortage(run_error_) || holds_rest(at)) return cancel_from(at + 1);
        first_segment_ += segment_count(at++);
        continue;
      }
      uint32_t attempted = to_.sends.send_datagrams(run_, length, run_route_ == sender::route::zerocopy);
      for (uint32_t i = 0; i < attempted; i++, at++) {
        if (run_[i].too_large && run_route_ == sender::route::zerocopy) to_.sends.resend_as_copy(run_[i], to_);
        report(run_[i]);
        first_segment_ += segment_count(at);
      }
      for (uint32_t i = attempted; i < length; i++) to_.pins.release(run_[i].chain);
      int64_t last = run_[attempted - 1].result;
      to_.sends.settle(to_);
      if (is_shortage(last) || (last < 0 && holds_rest(at - 1))) return cancel_from(at);
    }
  }

  // Gathers the messages from `at` on that one system call can send: they have one route, fit into the scratch, and precede the next
  // collection. Returns their number; 0 where the first cannot be sent, with the reason in run_error_.
  uint32_t gather_run(uint32_t at) {
    uint32_t limit = std::min<uint32_t>(count_ - at, sender::max_messages_per_call);
    uint32_t segments_used = 0;
    uint32_t length = 0;
    uint32_t first_segment = first_segment_;
    for (; length < limit; length++) {
      outgoing_message& message = run_[length];
      run_error_ = -EINVAL;
      if (segments_used + segment_count(at + length) > max_segments_per_call) break;
      run_error_ = gather(at + length, message, scratch_.segments + segments_used);
      if (run_error_ == 0 && has_envelope(at + length)) run_error_ = gather_envelope(at + length, message, scratch_.envelopes[length]);
      if (run_error_ != 0) break;
      sender::route route = to_.sends.route_for(wants_zerocopy(at + length), message.bytes, length);
      if (route == sender::route::blocked) {
        run_error_ = -ENOBUFS;
        break;
      }
      if (length > 0 && route != run_route_) break;
      run_route_ = route;
      if (route == sender::route::zerocopy) {
        limit = std::min(limit, to_.sends.room_before_collection());
        if (!pin(message)) {
          run_error_ = -ENOBUFS;
          break;
        }
      } else if (wants_zerocopy(at + length) && message.bytes > 0) {
        to_.sends.count_uncounted_copy();
      }
      segments_used += message.segment_count;
      first_segment_ += message.segment_count;
    }
    first_segment_ = first_segment;
    return length;
  }

  napi_env env_;
  driver& to_;
  send_scratch& scratch_;
  outgoing_message* run_;
  segment_source segments_;
  const uint32_t* table_;
  uint32_t count_;
  const uint32_t* envelopes_;
  uint32_t first_segment_ = 0;
  int run_error_ = 0;
  sender::route run_route_ = sender::route::copy;
  napi_value buffers_[max_segments_per_message];
};

// Fills the event buffer and returns the number of events; -1 where the caller breaks the contract.
int32_t send_batch(napi_env env, environment& instance, driver& to, segment_source segments, const uint32_t* table, uint32_t count,
                   const uint32_t* envelopes = nullptr) {
  event_buffer& events = instance.fresh_events();
  // The buffer must hold a `sent` and a release for each message, and a release for each one in flight.
  if (events.room() < static_cast<size_t>(count) * 2 + to.max_in_flight()) return -1;
  to.collected_on_wake = false;
  batch_submission(env, to, instance.scratch(), segments, table, count, envelopes).run();
  return static_cast<int32_t>(events.size());
}

}  // namespace

napi_value submit(napi_env env, napi_callback_info info) {
  hot<4> given(env, info);
  driver* to = opened_driver(given, 0);
  uint32_t count = given.uint32(3);
  elements_view<uint32_t> table = given.elements<uint32_t>(2, size_t{count} * table_words);
  if (!given.valid() || to == nullptr) return given.refuse(misused);
  int32_t events = send_batch(env, given.instance(), *to, {given[1], true}, table.data, count);
  return events < 0 ? given.refuse(misused) : given.number(events);
}

napi_value submit_addressed(napi_env env, napi_callback_info info) {
  hot<5> given(env, info);
  driver* to = opened_driver(given, 0);
  uint32_t count = given.uint32(3);
  elements_view<uint32_t> table = given.elements<uint32_t>(2, size_t{count} * table_words);
  elements_view<uint32_t> envelopes = given.elements<uint32_t>(4, size_t{count} * envelope_words);
  if (!given.valid() || to == nullptr) return given.refuse(misused);
  int32_t events = send_batch(env, given.instance(), *to, {given[1], true}, table.data, count, envelopes.data);
  return events < 0 ? given.refuse(misused) : given.number(events);
}

napi_value submit_one(napi_env env, napi_callback_info info) {
  hot<1> given(env, info);
  const uint32_t* control = given.valid() ? given.instance().control().get() : nullptr;
  driver* to = control == nullptr ? nullptr : given.instance().find(control[0]);
  if (to == nullptr) return given.refuse(misused);
  const uint32_t table[table_words] = {control[1], 1, control[2]};
  int32_t events = send_batch(env, given.instance(), *to, {given[0], false}, table, 1);
  return events < 0 ? given.refuse(misused) : given.number(events);
}

napi_value collect(napi_env env, napi_callback_info info) {
  hot<1> given(env, info);
  driver* found = opened_driver(given, 0);
  if (found == nullptr) return given.refuse(misused);
  event_buffer& events = given.instance().fresh_events();
  bool reported = found->collected_on_wake;
  found->collected_on_wake = false;
  if (!reported) found->sends.collect(*found, false);
  return given.number(static_cast<int32_t>(events.size()));
}

napi_value arm(napi_env env, napi_callback_info info) {
  hot<2> given(env, info);
  driver* found = opened_driver(given, 0);
  uint32_t bits = given.uint32(1);
  if (!given.valid() || found == nullptr) return given.refuse(misused);
  return given.number(given.instance().arm(*found, bits));
}

napi_value disarm(napi_env env, napi_callback_info info) {
  hot<2> given(env, info);
  driver* found = opened_driver(given, 0);
  uint32_t bits = given.uint32(1);
  if (!given.valid() || found == nullptr) return given.refuse(misused);
  given.instance().disarm(*found, bits);
  return nullptr;
}

}  // namespace sendzc
