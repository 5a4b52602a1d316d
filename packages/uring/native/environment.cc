#include "environment.h"

#include <errno.h>

#include <new>
#include <utility>

namespace sendzc {

napi_status environment::begin(bool main_thread, napi_value& control) {
  if (control_ != nullptr) return napi_get_reference_value(env_, control_array_, &control);
  main_thread_ = main_thread;
  napi_value name;
  napi_value buffer;
  void* memory = nullptr;
  napi_status status = napi_create_string_utf8(env_, "sendzc_uring", NAPI_AUTO_LENGTH, &name);
  if (status == napi_ok) status = napi_async_init(env_, nullptr, name, &async_context_);
  if (status == napi_ok) status = napi_create_arraybuffer(env_, control_words * sizeof(uint32_t), &memory, &buffer);
  if (status == napi_ok) status = napi_create_typedarray(env_, napi_uint32_array, control_words, buffer, 0, &control);
  if (status == napi_ok) status = napi_create_reference(env_, control, 1, &control_array_);
  if (status != napi_ok) return status;
  // Pinned, so that not even a transfer frees it.
  control_pin_ = pin_array_buffer(buffer);
  control_ = static_cast<uint32_t*>(memory);
  return napi_ok;
}

int environment::create_ring(const ring_settings& settings, napi_value events, napi_value on_ready_function, int32_t* words,
                             size_t word_count) {
  uint32_t place = 0;
  while (place < max_rings && rings_[place].host != nullptr) place++;
  if (place == max_rings) {
    close_oldest_lingering();
    for (place = 0; place < max_rings && rings_[place].host != nullptr;) place++;
    if (place == max_rings) return -ENOSPC;
  }
  ring_entry& entry = rings_[place];
  // Positive as an int32_t.
  uint32_t name = ((entry.name + max_rings) & 0x7fffffffu & ~(max_rings - 1)) | place;
  entry.host.reset(new (std::nothrow) ring_host(name, words, word_count));
  if (entry.host == nullptr) return -ENOMEM;
  entry.name = name;
  int result = entry.host->open(loop_, settings, entry.first_generation, on_ready, on_lingered, this);
  if (result == 0 && (napi_create_reference(env_, events, 1, &entry.events) != napi_ok ||
                      napi_create_reference(env_, on_ready_function, 1, &entry.on_ready) != napi_ok)) {
    result = -EINVAL;
  }
  if (result == 0) return static_cast<int>(name);
  failed_call_ = entry.host->failed_call();
  begin_close(entry);
  return result;
}

bool environment::release_ring(uint32_t name) {
  ring_host* host = ring(name);
  if (host == nullptr) return true;
  if (!host->engine().idle()) return false;
  if (host->lingering()) return true;
  uint32_t lingering = 0;
  for (const ring_entry& entry : rings_) lingering += entry.host != nullptr && entry.host->lingering() ? 1 : 0;
  if (lingering >= max_lingering_rings) close_oldest_lingering();
  rings_[place_of(name)].lingers_since = ++lingerings_;
  host->linger(ring_linger_ms);
  return true;
}

bool environment::keep_ring(uint32_t name) {
  ring_host* host = ring(name);
  if (host != nullptr) host->come_back();
  return host != nullptr;
}

void environment::close_oldest_lingering() {
  ring_entry* oldest = nullptr;
  for (ring_entry& entry : rings_) {
    if (entry.host == nullptr || !entry.host->lingering()) continue;
    if (oldest == nullptr || entry.lingers_since < oldest->lingers_since) oldest = &entry;
  }
  if (oldest != nullptr) begin_close(*oldest);
}

void environment::drain_ring(uint32_t name) {
  ring_host* host = ring(name);
  if (host != nullptr) host->engine().drain(teardown_drain_ms, teardown_abort_ms);
}

int environment::create_region(uint32_t count, size_t slot_bytes) {
  if (regions_.size() >= max_regions) return -ENOSPC;
  auto fixed = std::make_shared<fixed_region>();
  int result = fixed->map(count, slot_bytes);
  if (result != 0) return result;
  regions_.push_back(std::move(fixed));
  return static_cast<int>(regions_.size() - 1);
}

void environment::on_ready(void* data, uint32_t name) {
  auto* self = static_cast<environment*>(data);
  napi_ref function = self->rings_[place_of(name)].on_ready;
  if (function == nullptr) return;
  napi_handle_scope scope;
  if (napi_open_handle_scope(self->env_, &scope) != napi_ok) return;
  napi_value callback;
  napi_value receiver;
  napi_value argument;
  if (napi_get_reference_value(self->env_, function, &callback) == napi_ok && callback != nullptr &&
      napi_get_global(self->env_, &receiver) == napi_ok && napi_create_uint32(self->env_, name, &argument) == napi_ok) {
    napi_status status = napi_make_callback(self->env_, self->async_context_, receiver, callback, 1, &argument, nullptr);
    napi_value error;
    // A sink that throws is the application's uncaught exception; a worker that is being terminated has nothing to report.
    if (status == napi_pending_exception && napi_get_and_clear_last_exception(self->env_, &error) == napi_ok) {
      napi_fatal_exception(self->env_, error);
    }
  }
  napi_close_handle_scope(self->env_, scope);
}

void environment::on_lingered(void* data, uint32_t name) {
  auto* self = static_cast<environment*>(data);
  ring_entry& entry = self->rings_[place_of(name)];
  if (entry.name == name && entry.host != nullptr) self->begin_close(entry);
}

// The place is free at once; what libuv still needs goes when its handles are closed.
void environment::begin_close(ring_entry& entry) {
  entry.first_generation = (entry.host->engine().last_generation() + 1) & request_name::generation_mask;
  forget(entry);
  closing_rings_++;
  entry.host.release()->close(on_closed, this);
}

void environment::on_closed(void* data, ring_host* host) {
  auto* self = static_cast<environment*>(data);
  delete host;
  self->closing_rings_--;
  self->finish_teardown_if_done();
}

void environment::begin_teardown(void (*done)(void*), void* context) {
  tearing_down_ = true;
  teardown_done_ = done;
  teardown_context_ = context;
  for (ring_entry& entry : rings_) {
    if (entry.host == nullptr) continue;
    // The main environment ends with its process, and the kernel with its copy of the pages: nothing to wait for.
    // But for the thread of SQPOLL, which outlives it until the last notification: forever where a peer never reads.
    if (!main_thread_ || entry.host->engine().queue().sqpoll()) drain_ring(entry.name);
    entry.host->engine().leak();
    begin_close(entry);
  }
  forget_javascript();
  teardown_started_all_ = true;
  finish_teardown_if_done();
}

void environment::forget(ring_entry& entry) {
  if (entry.events != nullptr) napi_delete_reference(env_, entry.events);
  if (entry.on_ready != nullptr) napi_delete_reference(env_, entry.on_ready);
  entry.events = nullptr;
  entry.on_ready = nullptr;
}

void environment::forget_javascript() {
  if (control_array_ != nullptr) napi_delete_reference(env_, control_array_);
  if (async_context_ != nullptr) napi_async_destroy(env_, async_context_);
  control_array_ = nullptr;
  async_context_ = nullptr;
}

void environment::finish_teardown_if_done() {
  if (!tearing_down_ || !teardown_started_all_ || closing_rings_ > 0 || teardown_done_ == nullptr) return;
  auto done = std::exchange(teardown_done_, nullptr);
  done(teardown_context_);
}

}  // namespace sendzc
