// One open driver: a sender and the memory that it keeps pinned. Binding layer.
#pragma once

#include <algorithm>
#include <cstdint>
#include <memory>
#include <vector>

#include "error_queue.h"
#include "sender.h"
#include "sendzc/event_buffer.h"
#include "sendzc/handle.h"
#include "sendzc/pinned_buffer.h"
#include "wake_set.h"

namespace sendzc {

// Segments of one message at most; pins are for several such.
constexpr uint32_t max_segments_per_message = 256;

// The order of the members is that of their construction: `sends` refers to `source`.
class driver final : public release_sink {
 public:
  using handles = handle_layout<16>;

  driver(uint32_t handle, opened_socket&& opened, uint32_t max_in_flight, uint32_t interval, notification_source* source,
         std::unique_ptr<notification_source> own_source, event_buffer& events)
      : own_source_(std::move(own_source)),
        sends(std::move(opened), max_in_flight, interval, own_source_ ? own_source_.get() : source),
        pins(std::max(max_in_flight * 2, max_segments_per_message)),
        handle_(handle),
        index_(static_cast<int32_t>(handles::index_of(handle))),
        max_in_flight_(max_in_flight),
        events_(events) {}

  uint32_t handle() const { return handle_; }
  uint32_t max_in_flight() const { return max_in_flight_; }

  void report_sent(uint32_t token, int64_t result) { events_.push(index_, token, event_sent, static_cast<int32_t>(result)); }
  void report_sent_unshared(uint32_t token, int64_t result) {
    events_.push(index_, token, event_sent | event_released | release_none, static_cast<int32_t>(result));
  }
  // Notes the call that failed for a message, and its errno. The first failure allocates the table.
  void note_failure(uint32_t token, system_call call, int64_t result) {
    if (token >= max_in_flight_) return;
    failures_.resize(max_in_flight_);
    failures_[token] = static_cast<uint16_t>(pack_failure(call, result));
  }
  // See pack_failure(); 0 where nothing failed so far.
  int32_t failure(uint32_t token) const { return token < failures_.size() ? failures_[token] : 0; }
  void report_wake(uint32_t bits) { events_.push(index_, 0, event_wake, static_cast<int32_t>(bits)); }

  void on_released(uint32_t token, uint32_t chain, bool copied) override {
    pins.release(chain);
    events_.push(index_, token, event_released | (copied ? release_copied : release_zerocopy), 0);
  }
  void on_unshared(uint32_t token, uint32_t chain) override {
    pins.release(chain);
    events_.push(index_, token, event_released | release_none, 0);
  }
  void on_abandoned(uint32_t token, uint32_t chain) override {
    abandoned_bytes += pins.leak(chain);
    events_.push(index_, token, event_released | release_abandoned, 0);
  }

 private:
  std::unique_ptr<notification_source> own_source_;

 public:
  sender sends;
  pin_pool pins;
  // Bytes left pinned on purpose since the driver was opened.
  int64_t abandoned_bytes = 0;
  // Whether the driver is in the list of those that wait for a retry.
  bool waits_for_retry = false;
  // Whether armed bits keep the event loop alive.
  bool referenced = true;
  // Wake bits asked for and not yet reported.
  uint32_t armed = 0;
  registration watched = registration::absent;
  // Whether a registration may outlast its report: false once a report has come that no arming asked for.
  bool may_be_kept = true;
  // The last wake-up took everything that the error queue held: what comes later is a change.
  bool drained_on_wake = false;
  // The wake-up has collected and reported already: the collect() that follows has nothing left to ask.
  bool collected_on_wake = false;

 private:
  uint32_t handle_;
  int32_t index_;
  uint32_t max_in_flight_;
  std::vector<uint16_t> failures_;
  event_buffer& events_;
};

}  // namespace sendzc
