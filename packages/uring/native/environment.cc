#include "environment.h"

#include <errno.h>

#include <new>
#include <utility>

#include "binding_arguments.h"

namespace sendzc {

Napi::Value environment::initialize(bool main_thread) {
  main_thread_ = main_thread;
  return control_.array(env_, control_word_count);
}

int environment::create_ring(const ring_settings& settings, Napi::Value events, Napi::Value on_ready_function,
                             elements_view<int32_t> words) {
  failed_call_ = "";
  uint32_t place = 0;
  while (place < max_rings && rings_[place].ring != nullptr) place++;
  if (place == max_rings) {
    close_oldest_lingering();
    for (place = 0; place < max_rings && rings_[place].ring != nullptr;) place++;
    if (place == max_rings) return -ENOSPC;
  }
  ring_entry& entry = rings_[place];
  uint32_t handle = ring_handles::make(place, ring_handles::generation_after(ring_handles::generation_of(entry.handle)));
  entry.ring.reset(new (std::nothrow) attached_ring(handle, words.data, words.length));
  if (entry.ring == nullptr) return -ENOMEM;
  entry.handle = handle;
  int result = entry.ring->open(loop_, settings, entry.first_generation, on_ready, on_lingered, this);
  if (result == 0 && !entry.on_ready.set(env_, "sendzc_uring", on_ready_function)) result = -EINVAL;
  if (result == 0) {
    entry.events = Napi::Persistent(events);
    return static_cast<int>(handle);
  }
  failed_call_ = entry.ring->failed_call();
  begin_close(entry);
  return result;
}

bool environment::release_ring(uint32_t handle) {
  attached_ring* ring = find_ring(handle);
  if (ring == nullptr) return true;
  if (!ring->engine().idle()) return false;
  if (ring->lingering()) return true;
  uint32_t lingering = 0;
  for (const ring_entry& entry : rings_) lingering += entry.ring != nullptr && entry.ring->lingering() ? 1 : 0;
  if (lingering >= max_lingering_rings) close_oldest_lingering();
  rings_[ring_handles::index_of(handle)].lingers_since = ++lingerings_;
  ring->linger(ring_linger_ms);
  return true;
}

bool environment::keep_ring(uint32_t handle) {
  attached_ring* ring = find_ring(handle);
  if (ring != nullptr) ring->come_back();
  return ring != nullptr;
}

void environment::close_oldest_lingering() {
  ring_entry* oldest = nullptr;
  for (ring_entry& entry : rings_) {
    if (entry.ring == nullptr || !entry.ring->lingering()) continue;
    if (oldest == nullptr || entry.lingers_since < oldest->lingers_since) oldest = &entry;
  }
  if (oldest != nullptr) begin_close(*oldest);
}

int environment::create_region(uint32_t count, size_t slot_bytes) {
  if (regions_.size() >= max_regions) return -ENOSPC;
  auto fixed = std::make_shared<fixed_region>();
  int result = fixed->map(count, slot_bytes);
  if (result != 0) return result;
  regions_.push_back(std::move(fixed));
  return static_cast<int>(regions_.size() - 1);
}

int environment::socket_of(uint32_t driver) const {
  driver_slot* found = find_driver(*this, driver).driver;
  return found == nullptr ? -1 : found->fd.get();
}

int64_t environment::send_file(uint32_t driver, int file, int64_t offset, int64_t bytes) {
  driver_slot* found = find_driver(*this, driver).driver;
  if (found == nullptr) return -EBADF;
  found->totals.send_calls++;
  return sendzc::send_file(found->fd.get(), file, offset, bytes);
}

void environment::on_ready(void* data, uint32_t handle) {
  static_cast<environment*>(data)->rings_[ring_handles::index_of(handle)].on_ready.call(handle);
}

void environment::on_lingered(void* data, uint32_t handle) {
  auto* self = static_cast<environment*>(data);
  if (self->find_ring(handle) != nullptr) self->begin_close(self->rings_[ring_handles::index_of(handle)]);
}

// The place is free at once. The ring object itself is deleted when libuv has closed its handles.
void environment::begin_close(ring_entry& entry) {
  entry.first_generation = (entry.ring->engine().last_generation() + 1) & user_data::generation_mask;
  forget(entry);
  closing_rings_++;
  entry.ring.release()->close(on_closed, this);
}

void environment::on_closed(void* data, attached_ring* ring) {
  auto* self = static_cast<environment*>(data);
  delete ring;
  self->closing_rings_--;
  self->finish_teardown_if_done();
}

void environment::begin_teardown(void (*done)(void*), void* context) {
  tearing_down_ = true;
  teardown_done_ = done;
  teardown_context_ = context;
  for (ring_entry& entry : rings_) {
    if (entry.ring == nullptr) continue;
    // The main environment ends with its process, and the kernel keeps its own references on the pages: there is nothing to wait for.
    if (!main_thread_) entry.ring->engine().drain(teardown_drain_ms, teardown_abort_ms);
    entry.ring->engine().leak();
    begin_close(entry);
  }
  control_.forget();
  teardown_started_all_ = true;
  finish_teardown_if_done();
}

void environment::forget(ring_entry& entry) {
  entry.events.Reset();
  entry.on_ready.forget();
}

void environment::finish_teardown_if_done() {
  if (!tearing_down_ || !teardown_started_all_ || closing_rings_ > 0 || teardown_done_ == nullptr) return;
  auto done = std::exchange(teardown_done_, nullptr);
  done(teardown_context_);
}

}  // namespace sendzc
