#include "environment.h"

#include <errno.h>

#include <new>
#include <utility>

namespace sendzc {

napi_status environment::begin(bool main_thread, napi_value on_ready, uint32_t* control, memory_pin control_pin) {
  if (callback_ != nullptr) return napi_ok;
  main_thread_ = main_thread;
  control_ = control;
  control_pin_ = std::move(control_pin);
  napi_value name;
  napi_status status = napi_create_string_utf8(env_, "sendzc_uring", NAPI_AUTO_LENGTH, &name);
  if (status == napi_ok) status = napi_async_init(env_, nullptr, name, &async_context_);
  if (status == napi_ok) status = napi_create_reference(env_, on_ready, 1, &callback_);
  return status;
}

int environment::create_ring(const ring_settings& settings, napi_value events, int32_t* words, size_t word_count) {
  uint32_t id = 0;
  while (id < max_rings && rings_[id].host != nullptr) id++;
  if (id == max_rings) return -ENOSPC;
  std::unique_ptr<ring_host> host(new (std::nothrow) ring_host(id, words, word_count));
  if (host == nullptr) return -ENOMEM;
  rings_[id].host = std::move(host);
  int result = rings_[id].host->open(loop_, settings, on_ready, this);
  if (result == 0 && napi_create_reference(env_, events, 1, &rings_[id].events) != napi_ok) result = -EINVAL;
  if (result == 0) return static_cast<int>(id);
  begin_close(id);
  return result;
}

bool environment::close_if_idle(uint32_t id) {
  ring_host* host = ring(id);
  if (host == nullptr) return true;
  if (!host->engine().idle()) return false;
  begin_close(id);
  return true;
}

void environment::drain_ring(uint32_t id) {
  ring_host* host = ring(id);
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

void environment::on_ready(void* data, uint32_t ring_id) {
  auto* self = static_cast<environment*>(data);
  if (self->callback_ == nullptr) return;
  napi_handle_scope scope;
  if (napi_open_handle_scope(self->env_, &scope) != napi_ok) return;
  napi_value callback;
  napi_value receiver;
  napi_value id;
  if (napi_get_reference_value(self->env_, self->callback_, &callback) == napi_ok && callback != nullptr &&
      napi_get_global(self->env_, &receiver) == napi_ok && napi_create_uint32(self->env_, ring_id, &id) == napi_ok) {
    napi_status status = napi_make_callback(self->env_, self->async_context_, receiver, callback, 1, &id, nullptr);
    napi_value error;
    // A sink that throws is the application's uncaught exception; a worker that is being terminated has nothing to report.
    if (status == napi_pending_exception && napi_get_and_clear_last_exception(self->env_, &error) == napi_ok) {
      napi_fatal_exception(self->env_, error);
    }
  }
  napi_close_handle_scope(self->env_, scope);
}

void environment::begin_close(uint32_t id) {
  ring_entry& entry = rings_[id];
  if (entry.closing) return;
  entry.closing = true;
  entry.host->close(on_closed, this);
}

void environment::on_closed(void* data, uint32_t ring_id) {
  auto* self = static_cast<environment*>(data);
  ring_entry& entry = self->rings_[ring_id];
  if (entry.events != nullptr) napi_delete_reference(self->env_, entry.events);
  entry.host.reset();
  entry.events = nullptr;
  entry.closing = false;
  self->finish_teardown_if_done();
}

void environment::begin_teardown(void (*done)(void*), void* context) {
  tearing_down_ = true;
  teardown_done_ = done;
  teardown_context_ = context;
  for (uint32_t id = 0; id < max_rings; id++) {
    ring_entry& entry = rings_[id];
    if (entry.host == nullptr) continue;
    if (!entry.closing) {
      // The main environment ends with its process, and the kernel with its copy of the pages: nothing to wait for.
      // But for the thread of SQPOLL, which outlives it until the last notification: forever where a peer never reads.
      if (!main_thread_ || entry.host->engine().queue().sqpoll()) drain_ring(id);
      entry.host->engine().leak();
    }
    begin_close(id);
  }
  forget_javascript();
  teardown_started_all_ = true;
  finish_teardown_if_done();
}

void environment::forget_javascript() {
  for (ring_entry& entry : rings_) {
    if (entry.events != nullptr) napi_delete_reference(env_, entry.events);
    entry.events = nullptr;
  }
  if (callback_ != nullptr) napi_delete_reference(env_, callback_);
  if (async_context_ != nullptr) napi_async_destroy(env_, async_context_);
  callback_ = nullptr;
  async_context_ = nullptr;
}

void environment::finish_teardown_if_done() {
  if (!tearing_down_ || !teardown_started_all_ || teardown_done_ == nullptr) return;
  for (const ring_entry& entry : rings_) {
    if (entry.host != nullptr) return;
  }
  auto done = std::exchange(teardown_done_, nullptr);
  done(teardown_context_);
}

}  // namespace sendzc
