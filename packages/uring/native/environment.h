// The addon's state in one Node.js environment: its rings and registered memory, and their orderly end.
#pragma once

#include <napi.h>

#include <memory>
#include <vector>

#include "attached_ring.h"
#include "fixed_region.h"
#include "sendzc/call_arguments.h"
#include "sendzc/control_words.h"
#include "sendzc/loop_callback.h"
#include "sendzc/send_file.h"

namespace sendzc {

// Words of submit: driver, messages, mode, whether one segment is passed instead of an array. Mirrored by src/native.ts.
constexpr size_t control_word_count = 4;

class environment {
 public:
  // A ring's handle is its place, and the number of rings that were there before.
  using ring_handles = handle_layout<5>;
  static constexpr uint32_t max_rings = ring_handles::index_mask + 1;
  static constexpr uint32_t max_regions = 32;
  // How long the end of a worker waits for the notifications of its sends. It then aborts the connections and waits once more.
  static constexpr uint32_t teardown_drain_ms = 250;
  static constexpr uint32_t teardown_abort_ms = 250;

  // How long a ring stays after its last driver is closed, since making a ring costs 250 us, and how many such rings there are at most.
  static constexpr uint32_t ring_linger_ms = 1000;
  static constexpr uint32_t max_lingering_rings = 4;
  // A driver's handle is its generation, the place of its ring, and its index in that ring.
  static constexpr uint32_t driver_index_bits = 14;
  using driver_handles = handle_layout<driver_index_bits + 5>;
  static_assert(driver_handles::generation_mask == user_data::generation_mask);

  environment(Napi::Env env, uv_loop_t* loop) : env_(env), loop_(loop), rings_(max_rings) {}

  // The control words, the same at each call. Every JavaScript instance of this module in the environment may call it: all share this
  // state.
  Napi::Value initialize(bool main_thread);
  control_words& control() { return control_; }
  // See file_calls.h.
  file_set& files() { return files_; }
  int socket_of(uint32_t driver) const;
  int64_t send_file(uint32_t driver, int file, int64_t offset, int64_t bytes);

  // The handle of the ring, or a negated errno; -ENOSPC at the limit of rings. `on_ready` is called with the handle when the ring has
  // completions. `events` and `on_ready` stay referenced for as long as the ring lives.
  int create_ring(const ring_settings& settings, Napi::Value events, Napi::Value on_ready, elements_view<int32_t> words);
  attached_ring* find_ring(uint32_t handle) const {
    const ring_entry& entry = rings_[ring_handles::index_of(handle)];
    return entry.handle == handle ? entry.ring.get() : nullptr;
  }
  // The ring of a driver, which may be closed.
  attached_ring* ring_of_driver(uint32_t handle) const { return rings_[driver_handles::index_of(handle) >> driver_index_bits].ring.get(); }
  // Lets go of a ring that has no open driver and to which the kernel owes nothing: it lingers and is then closed. False where it is in
  // use.
  bool release_ring(uint32_t handle);
  // False where the ring has been closed meanwhile.
  bool keep_ring(uint32_t handle);
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
    std::unique_ptr<attached_ring> ring;
    uint32_t handle = 0;
    // Later than the generation of every driver that any ring in this place had.
    uint32_t first_generation = 0;
    Napi::Reference<Napi::Value> events;
    loop_callback on_ready;
    uint64_t lingers_since = 0;
  };

  static void on_ready(void* self, uint32_t handle);
  static void on_lingered(void* self, uint32_t handle);
  static void on_closed(void* self, attached_ring* ring);
  void begin_close(ring_entry& entry);
  void forget(ring_entry& entry);
  void close_oldest_lingering();
  void finish_teardown_if_done();

  Napi::Env env_;
  uv_loop_t* loop_;
  bool main_thread_ = true;
  control_words control_;
  std::vector<ring_entry> rings_;
  uint32_t closing_rings_ = 0;
  uint64_t lingerings_ = 0;
  const char* failed_call_ = "";
  std::vector<std::shared_ptr<fixed_region>> regions_;
  file_set files_;
  bool tearing_down_ = false;
  bool teardown_started_all_ = false;
  void (*teardown_done_)(void*) = nullptr;
  void* teardown_context_ = nullptr;
};

}  // namespace sendzc
