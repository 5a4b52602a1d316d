// Everything of this addon in one Node.js environment: its rings and registered memory, and their orderly end.
#pragma once

#include <node_api.h>

#include <memory>
#include <vector>

#include "fixed_region.h"
#include "ring_host.h"

namespace sendzc {

// Words of the small arguments of submit: driver, messages, mode, whether one segment is passed instead of an array. Mirrored from
// src/native.ts.
constexpr size_t control_words = 4;

class environment {
 public:
  static constexpr uint32_t max_rings = 32;
  static constexpr uint32_t max_regions = 32;
  // How long the end of a worker, or of a process with SQPOLL, waits for notifications of what it has sent, and then, its connections
  // aborted, once more.
  static constexpr uint32_t teardown_drain_ms = 250;
  static constexpr uint32_t teardown_abort_ms = 250;

  // How long a ring stays when its last driver is closed, since making one costs 250 us, and how many such rings there are at most.
  static constexpr uint32_t ring_linger_ms = 1000;
  static constexpr uint32_t max_lingering_rings = 4;
  // A ring is named by its place and by how many rings that place had before.
  static constexpr uint32_t place_bits = 5;
  static_assert(max_rings == 1u << place_bits);

  environment(napi_env env, uv_loop_t* loop) : env_(env), loop_(loop), rings_(max_rings) {}

  // May be called by every JavaScript instance of this module that the environment has: all share what is here. `control` is the array of
  // the small arguments of submit, the same each time.
  napi_status begin(bool main_thread, napi_value& control);
  // Driver, messages, mode. Null before begin.
  const uint32_t* control() const { return control_; }

  // The name of the ring, or a negated errno; -ENOSPC at the limit of rings. `events` and `on_ready`, which is called with the name of the
  // ring when it has completions, stay referenced for as long as the ring lives.
  int create_ring(const ring_settings& settings, napi_value events, napi_value on_ready, int32_t* words, size_t word_count);
  ring_host* ring(uint32_t name) const {
    const ring_entry& entry = rings_[place_of(name)];
    return entry.name == name ? entry.host.get() : nullptr;
  }
  ring_host* ring_at(uint32_t place) const { return rings_[place].host.get(); }
  static uint32_t place_of(uint32_t name) { return name & (max_rings - 1); }
  // Lets a ring go that has no open driver and that the kernel owes nothing: it lingers, and is closed then. False where it is in use.
  bool release_ring(uint32_t name);
  // False where the ring is closed meanwhile.
  bool keep_ring(uint32_t name);
  // Waits for what the ring has in flight, within the bounds above. No use of the ring may follow but its end.
  void drain_ring(uint32_t name);
  // The system call behind the last negated errno of create_ring or of a driver's opening.
  const char* failed_call() const { return failed_call_; }
  void set_failed_call(const char* call) { failed_call_ = call; }

  // The number of the region, or a negated errno; -ENOSPC at the limit of regions.
  int create_region(uint32_t count, size_t slot_bytes);
  std::shared_ptr<fixed_region> region(uint32_t id) const { return id < regions_.size() ? regions_[id] : nullptr; }

  // See env_instance.h.
  void begin_teardown(void (*done)(void*), void* context);

 private:
  struct ring_entry {
    std::unique_ptr<ring_host> host;
    uint32_t name = 0;
    // Later than that of every driver that any ring in this place had.
    uint32_t first_generation = 0;
    napi_ref events = nullptr;
    napi_ref on_ready = nullptr;
    uint64_t lingers_since = 0;
  };

  static void on_ready(void* self, uint32_t name);
  static void on_lingered(void* self, uint32_t name);
  static void on_closed(void* self, ring_host* host);
  void begin_close(ring_entry& entry);
  void forget(ring_entry& entry);
  void close_oldest_lingering();
  // No environment frees on its own what was made for the addon's sake.
  void forget_javascript();
  void finish_teardown_if_done();

  napi_env env_;
  uv_loop_t* loop_;
  bool main_thread_ = true;
  const uint32_t* control_ = nullptr;
  memory_pin control_pin_;
  napi_ref control_array_ = nullptr;
  napi_async_context async_context_ = nullptr;
  std::vector<ring_entry> rings_;
  uint32_t closing_rings_ = 0;
  uint64_t lingerings_ = 0;
  const char* failed_call_ = "";
  std::vector<std::shared_ptr<fixed_region>> regions_;
  bool tearing_down_ = false;
  bool teardown_started_all_ = false;
  void (*teardown_done_)(void*) = nullptr;
  void* teardown_context_ = nullptr;
};

}  // namespace sendzc
