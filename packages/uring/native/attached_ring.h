// A ring that is attached to an event loop: its engine, the descriptor that the loop polls, and the event buffer that JavaScript owns.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "event_signal.h"
#include "send_engine.h"
#include "sendzc/event_buffer.h"
#include "sendzc/uv_poll.h"
#include "sendzc/uv_timer.h"

namespace sendzc {

class attached_ring {
 public:
  using ready_fn = void (*)(void* context, uint32_t handle);
  using closed_fn = void (*)(void* context, attached_ring* ring);

  attached_ring(uint32_t handle, int32_t* words, size_t word_count) : handle_(handle), events_(words, word_count) {}

  // 0 or a negated errno, with the call that failed in failed_call(). To be closed in either case.
  int open(uv_loop_t* loop, const ring_settings& settings, uint32_t first_generation, ready_fn ready, ready_fn lingered, void* context) {
    ready_ = ready;
    lingered_ = lingered;
    context_ = context;
    int result = engine_.open(settings, first_generation);
    if (result != 0) return result;
    failed_call_ = "eventfd";
    result = signal_.open();
    if (result != 0) return result;
    failed_call_ = "epoll_ctl";
    result = poll_.open(loop, signal_.fd(), on_ready, this);
    if (result == 0) result = timer_.open(loop, on_timer, this);
    return result;
  }
  const char* failed_call() const { return failed_call_ != nullptr ? failed_call_ : engine_.failed_call(); }

  send_engine& engine() { return engine_; }
  uint32_t handle() const { return handle_; }

  // Fills the event buffer anew; the caller has read its previous events. Returns the number of events.
  uint32_t reap(bool from_loop) {
    events_.clear();
    engine_.reap(events_, from_loop);
    return static_cast<uint32_t>(events_.size());
  }

  // Ends every call from JavaScript. Listens while a driver waits for the event loop, or the kernel owes something to closed drivers; only
  // the former keeps the loop alive. The first call that listens costs two system calls, every other none. `reap_follows`: the caller will
  // look at the ready completions itself.
  void follow_engine(bool reap_follows = false) {
    bool wanted = engine_.wants_loop();
    bool listening = engine_.waits() || engine_.owes_closed();
    if (listening != listening_) {
      listening_ = listening;
      if (listening && !registered_) {
        registered_ = engine_.queue().register_eventfd(signal_.fd()) == 0;
        poll_.start();
      }
      engine_.queue().set_listening(listening);
    }
    // No signal came for completions while signals were muted, and none will come for room that no request in the ring announces.
    if (listening && !reap_follows && (engine_.settle() || engine_.owes_room())) signal_.raise();
    uint32_t retry_delay_ms = listening ? engine_.retry_delay_ms() : 0;
    if (retry_delay_ms > 0) timer_.start(retry_delay_ms);
    if (wanted == referenced_) return;
    poll_.set_referenced(wanted);
    referenced_ = wanted;
  }

  // The ring has no driver now: `lingered` is called after `linger_ms`, unless a driver comes meanwhile.
  void linger(uint32_t linger_ms) {
    lingering_ = true;
    timer_.start(linger_ms);
  }
  void come_back() {
    if (!lingering_) return;
    lingering_ = false;
    timer_.stop();
  }
  bool lingering() const { return lingering_; }

  // The ring is closed at once. `closed` may run before this returns, or from the event loop; it may delete this object.
  void close(closed_fn closed, void* context) {
    closed_ = closed;
    context_ = context;
    open_uv_handles_ = 2;
    engine_.close_ring();
    timer_.close(on_closed, this);
    poll_.close(on_closed, this);
  }

 private:
  static void on_ready(void* self) {
    auto* ring = static_cast<attached_ring*>(self);
    ring->signal_.lower();
    ring->ready_(ring->context_, ring->handle_);
  }
  // The timer ends the lingering, or retries a call that failed.
  static void on_timer(void* self) {
    auto* ring = static_cast<attached_ring*>(self);
    (ring->lingering_ ? ring->lingered_ : ring->ready_)(ring->context_, ring->handle_);
  }
  static void on_closed(void* self) {
    auto* ring = static_cast<attached_ring*>(self);
    if (--ring->open_uv_handles_ > 0) return;
    ring->closed_(ring->context_, ring);
  }

  uint32_t handle_;
  send_engine engine_;
  event_buffer events_;
  event_signal signal_;
  uv_poll poll_;
  uv_timer timer_;
  uint32_t open_uv_handles_ = 0;
  const char* failed_call_ = nullptr;
  ready_fn ready_ = nullptr;
  ready_fn lingered_ = nullptr;
  closed_fn closed_ = nullptr;
  void* context_ = nullptr;
  bool registered_ = false;
  bool listening_ = false;
  bool referenced_ = false;
  bool lingering_ = false;
};

}  // namespace sendzc
