// Everything of this addon in one Node.js environment: its rings and registered memory, and their orderly end.
#pragma once

#include <node_api.h>

#include <memory>
#include <vector>

#include "fixed_region.h"
#include "ring_host.h"

namespace sendzc {

class environment {
 public:
  static constexpr uint32_t max_rings = 32;
  static constexpr uint32_t max_regions = 32;
  // How long the end of a worker, or of a process with SQPOLL, waits for notifications of what it has sent, and then, its connections
  // aborted, once more.
  static constexpr uint32_t teardown_drain_ms = 250;
  static constexpr uint32_t teardown_abort_ms = 250;

  environment(napi_env env, uv_loop_t* loop) : env_(env), loop_(loop), rings_(max_rings) {}

  // `on_ready` is called with the number of a ring that has completions. `control` carries the small arguments of submit.
  napi_status begin(bool main_thread, napi_value on_ready, uint32_t* control, memory_pin control_pin);
  // Driver, messages, mode. Null before begin.
  const uint32_t* control() const { return control_; }

  // The number of the ring, or a negated errno; -ENOSPC at the limit of rings. `events` stays referenced for as long as the ring lives.
  int create_ring(const ring_settings& settings, napi_value events, int32_t* words, size_t word_count);
  ring_host* ring(uint32_t id) { return id < max_rings && !closing(id) ? rings_[id].host.get() : nullptr; }
  // Closes a ring that has no open driver and that the kernel owes nothing. False where it stays.
  bool close_if_idle(uint32_t id);
  // Waits for what the ring has in flight, within the bounds above. No use of the ring may follow but its end.
  void drain_ring(uint32_t id);

  // The number of the region, or a negated errno; -ENOSPC at the limit of regions.
  int create_region(uint32_t count, size_t slot_bytes);
  std::shared_ptr<fixed_region> region(uint32_t id) const { return id < regions_.size() ? regions_[id] : nullptr; }

  // See env_instance.h.
  void begin_teardown(void (*done)(void*), void* context);

 private:
  struct ring_entry {
    std::unique_ptr<ring_host> host;
    napi_ref events = nullptr;
    bool closing = false;
  };

  static void on_ready(void* self, uint32_t ring_id);
  static void on_closed(void* self, uint32_t ring_id);
  bool closing(uint32_t id) const { return rings_[id].closing; }
  void begin_close(uint32_t id);
  // No environment frees on its own what was made for the addon's sake.
  void forget_javascript();
  void finish_teardown_if_done();

  napi_env env_;
  uv_loop_t* loop_;
  bool main_thread_ = true;
  const uint32_t* control_ = nullptr;
  memory_pin control_pin_;
  napi_ref callback_ = nullptr;
  napi_async_context async_context_ = nullptr;
  std::vector<ring_entry> rings_;
  std::vector<std::shared_ptr<fixed_region>> regions_;
  bool tearing_down_ = false;
  bool teardown_started_all_ = false;
  void (*teardown_done_)(void*) = nullptr;
  void* teardown_context_ = nullptr;
};

}  // namespace sendzc
