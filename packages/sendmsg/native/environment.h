// The addon's state in one Node.js environment: its drivers, the epoll instance that they share, and the buffer through which events go to
// JavaScript. Binding layer. One thread uses it.
#pragma once

#include <napi.h>

#include <cstdint>
#include <memory>
#include <vector>

#include "driver.h"
#include "error_queue.h"
#include "sendzc/call_arguments.h"
#include "sendzc/control_words.h"
#include "sendzc/event_buffer.h"
#include "sendzc/handle.h"
#include "sendzc/loop_callback.h"
#include "sendzc/send_file.h"
#include "sendzc/uv_poll.h"
#include "sendzc/uv_timer.h"
#include "wake_set.h"

namespace sendzc {

// Drivers open at once in one environment: as many as the index of a handle can tell apart.
constexpr uint32_t max_drivers = driver::handles::index_mask + 1;
// Segments that one system call can take over all its messages.
constexpr uint32_t max_segments_per_call = 1024;
// Words of submitOne: handle, token, flags. Mirrored by src/native.ts.
constexpr size_t control_word_count = 3;

// How notifications reach a driver. Mirrored by src/native.ts.
enum class notification_path : int32_t { none = 0, recvmsg = 1, recvmmsg = 2, on_sends = 3 };

struct driver_request {
  int fd = -1;
  notification_path path = notification_path::none;
  uint32_t max_in_flight = 0;
  uint32_t interval = 0;
  int32_t cmsg_type = 0;
  uint32_t inline_capacity = 1;
  // JavaScript is handing the events of the buffer to sinks: no index that they name is given to another driver.
  bool within_dispatch = false;
};

// Room for the arguments of one system call, so that a send allocates nothing.
struct send_scratch {
  iovec segments[max_segments_per_call];
  outgoing_message run[sender::max_messages_per_call];
  envelope envelopes[sender::max_messages_per_call];
};

class environment {
 public:
  explicit environment(Napi::Env env) : env_(env) {}
  environment(const environment&) = delete;
  environment& operator=(const environment&) = delete;

  // Called once. `on_events` receives the events; `is_main_thread` says that the environment ends with its process. 0, or the call that
  // failed (see pack_failure).
  int32_t initialize(Napi::Value on_events, bool is_main_thread);
  // Replaces the Int32Array for events. Never while events wait in the present one.
  void use_events(Napi::Value array, elements_view<int32_t> words);
  control_words& control() { return control_; }
  // See file_calls.h.
  file_set& files() { return files_; }
  int socket_of(uint32_t handle);
  int64_t send_file(uint32_t handle, int file, int64_t offset, int64_t bytes);

  // A handle, or a negated errno; `opened.stage` then names the step that failed.
  int32_t open_driver(const driver_request& request, opened_socket& opened);
  // Null for a handle whose driver was closed.
  driver* find(uint32_t handle);
  // Returns the bytes that stay pinned on purpose.
  int64_t close_driver(uint32_t handle);
  int32_t arm(driver& of, uint32_t bits);
  void disarm(driver& of, uint32_t bits);
  // Whether the armed bits of the driver keep the event loop alive.
  void set_referenced(driver& of, bool referenced);
  // The negated errno with which epoll_wait failed for good, or 0.
  int wait_error() const { return wait_error_; }

  // The event buffer, emptied: its previous events have been dispatched.
  event_buffer& fresh_events();
  send_scratch& scratch() { return scratch_; }

  // Called by env_instance. Deals with memory in flight, closes the libuv handle, then calls `done`.
  void begin_teardown(void (*done)(void*), void* context);

 private:
  struct slot {
    std::unique_ptr<driver> open;
    uint32_t generation = 0;
  };

  int32_t join_loop();
  static void on_ready(void* self) { static_cast<environment*>(self)->deliver_wakes(); }
  void deliver_wakes();
  static void on_timer(void* self) { static_cast<environment*>(self)->retry(); }
  void retry();
  void await_retry(driver& of);
  void retry_after(int delay_ms);
  void wait_failed(int error);
  void wake_by_handle(uint32_t handle, uint32_t ready);
  void wake(driver& woken, uint32_t ready);
  void flush_events();
  void set_armed(driver& of, uint32_t bits);
  void keep_alive(bool before, bool now);
  std::unique_ptr<notification_source> make_inline_source(const driver_request& request);
  notification_source* shared_source(notification_path path);
  void drain_at_end(driver& ending);
  // The end of an environment deletes no reference of an addon: the addon does.
  void forget_javascript();

  Napi::Env env_;
  loop_callback on_events_;
  Napi::Reference<Napi::Value> events_array_;
  control_words control_;
  bool is_main_thread_ = true;
  bool ending_ = false;
  // Drivers that are armed and keep the event loop alive.
  uint32_t keeping_alive_ = 0;
  wake_set wakes_;
  uv_poll poll_;
  uv_timer timer_;
  int timer_delay_ms_ = 0;
  retry_pause wait_retry_;
  int wait_error_ = 0;
  // Handles of drivers that wait for a retry.
  std::vector<uint32_t> retries_;
  event_buffer events_{nullptr, 0};
  error_queue_single one_by_one_;
  error_queue_batched batched_;
  std::vector<slot> slots_;
  index_pool indexes_{max_drivers};
  send_scratch scratch_;
  file_set files_;
};

}  // namespace sendzc
