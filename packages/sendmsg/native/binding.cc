// The addon's functions for JavaScript, except those of binding_hot.cc. src/native.ts types them and is their only caller.
#include <errno.h>
#include <napi.h>

#include <memory>
#include <new>

#include "binding_arguments.h"
#include "binding_hot.h"
#include "environment.h"
#include "host_probe.h"
#include "sendzc/env_instance.h"
#include "sendzc/file_calls.h"
#include "sendzc/mapped_region.h"
#include "sendzc/pinned_buffer.h"

namespace sendzc {

namespace {

// initialize(onEvents, isMainThread): the array of the control words, or the call that failed (see pack_failure)
Napi::Value initialize(const Napi::CallbackInfo& info) {
  cold given(info, 2);
  bool is_main_thread = given.boolean(1);
  if (!given.valid()) return given.refuse(misused);
  int32_t failure = given.instance().initialize(given[0], is_main_thread);
  return failure != 0 ? given.number(failure) : given.instance().control().array(info.Env(), control_word_count);
}

// useEvents(words)
Napi::Value use_events(const Napi::CallbackInfo& info) {
  cold given(info, 1);
  elements_view<int32_t> words = given.elements<int32_t>(0, event_buffer::words_per_event);
  if (!given.valid()) return given.refuse(misused);
  given.instance().use_events(given[0], words);
  return {};
}

// open(request: Int32Array of 7, report: Int32Array of 5): handle or a negated errno
Napi::Value open(const Napi::CallbackInfo& info) {
  cold given(info, 2);
  elements_view<int32_t> words = given.elements<int32_t>(0, 7);
  elements_view<int32_t> report = given.elements<int32_t>(1, 5);
  if (!given.valid()) return given.refuse(misused);
  driver_request request;
  request.fd = words[0];
  request.path = static_cast<notification_path>(words[1]);
  request.max_in_flight = static_cast<uint32_t>(words[2]);
  request.interval = static_cast<uint32_t>(words[3]);
  request.cmsg_type = words[4];
  request.inline_capacity = static_cast<uint32_t>(words[5]);
  request.within_dispatch = words[6] != 0;
  opened_socket opened;
  int32_t handle = given.instance().open_driver(request, opened);
  report[0] = static_cast<int32_t>(opened.stage);
  report[1] = opened.facts.domain;
  report[2] = opened.facts.type;
  report[3] = opened.facts.protocol;
  report[4] = opened.facts.listening ? 1 : 0;
  return given.number(handle);
}

// failure(handle, token): the call that failed for a message (see pack_failure)
Napi::Value failure(const Napi::CallbackInfo& info) {
  cold given(info, 2);
  driver* found = opened_driver(given, 0);
  uint32_t token = given.uint32(1);
  if (!given.valid() || found == nullptr) return given.refuse(misused);
  return given.number(found->failure(token));
}

// waitError(): a negated errno of epoll_wait, or 0
Napi::Value wait_error(const Napi::CallbackInfo& info) {
  cold given(info, 0);
  return given.number(given.instance().wait_error());
}

// setReferenced(handle, referenced)
Napi::Value set_referenced(const Napi::CallbackInfo& info) {
  cold given(info, 2);
  driver* found = opened_driver(given, 0);
  bool referenced = given.boolean(1);
  if (!given.valid() || found == nullptr) return given.refuse(misused);
  given.instance().set_referenced(*found, referenced);
  return {};
}

// abort(handle): number of events
Napi::Value abort(const Napi::CallbackInfo& info) {
  cold given(info, 1);
  driver* found = opened_driver(given, 0);
  if (found == nullptr) return given.refuse(misused);
  event_buffer& events = given.instance().fresh_events();
  found->sends.abort();
  found->collected_on_wake = false;
  found->sends.collect(*found, false);
  return given.number(events.size());
}

// undelivered(handle): bytes that the peer of a TCP connection has not acknowledged
Napi::Value undelivered(const Napi::CallbackInfo& info) {
  cold given(info, 1);
  driver* found = opened_driver(given, 0);
  return found == nullptr ? given.refuse(misused) : given.number(found->sends.undelivered());
}

// acknowledged(handle): bytes that the peer of a TCP connection has acknowledged since its beginning
Napi::Value acknowledged(const Napi::CallbackInfo& info) {
  cold given(info, 1);
  driver* found = opened_driver(given, 0);
  return found == nullptr ? given.refuse(misused) : given.number(found->sends.acknowledged());
}

// close(handle): bytes left pinned
Napi::Value close(const Napi::CallbackInfo& info) {
  cold given(info, 1);
  uint32_t handle = given.uint32(0);
  return given.valid() ? given.number(given.instance().close_driver(handle)) : given.refuse(misused);
}

// counters(handle, out: Float64Array of 11)
Napi::Value counters(const Napi::CallbackInfo& info) {
  cold given(info, 2);
  driver* found = opened_driver(given, 0);
  elements_view<double> out = given.elements<double>(1, 11);
  if (!given.valid() || found == nullptr) return given.refuse(misused);
  const sender_counters& from = found->sends.counters();
  const uint64_t values[] = {from.send_calls,      from.collect_calls,      from.empty_collect_calls, from.notifications,
                             from.notified_ids,    from.foreign_errors,     from.unknown_ids,         from.uncounted_copies,
                             from.fragment_copies, found->sends.in_flight()};
  size_t at = 0;
  for (uint64_t value : values) out[at++] = static_cast<double>(value);
  out[at] = static_cast<double>(found->pins.pinned_bytes());
  return {};
}

// processMemory(out: Float64Array of 2): bytes pinned now and bytes left pinned on purpose, by all environments
Napi::Value process_memory(const Napi::CallbackInfo& info) {
  cold given(info, 1);
  elements_view<double> out = given.elements<double>(0, 2);
  if (!given.valid()) return given.refuse(misused);
  out[0] = static_cast<double>(process_pinned_bytes.load(std::memory_order_relaxed));
  out[1] = static_cast<double>(process_leaked_bytes.load(std::memory_order_relaxed));
  return {};
}

// probeZerocopy(domain, type): 0 or a negated errno
Napi::Value probe_zerocopy_here(const Napi::CallbackInfo& info) {
  cold given(info, 2);
  int32_t domain = given.int32(0);
  int32_t type = given.int32(1);
  return given.valid() ? given.number(probe_zerocopy(domain, type)) : given.refuse(misused);
}

// probeInline(cmsgType): 1, 0 or a negated errno
Napi::Value probe_inline_here(const Napi::CallbackInfo& info) {
  cold given(info, 1);
  int32_t cmsg_type = given.int32(0);
  return given.valid() ? given.number(probe_inline(cmsg_type)) : given.refuse(misused);
}

// mapRegion(bytes, wantsHuge, report: Int32Array of 1): an ArrayBuffer of as many bytes or more, or a negated errno. The report: see
// page_kind. The memory lives for as long as the buffer, or a pin of it.
Napi::Value map_region(const Napi::CallbackInfo& info) {
  cold given(info, 3);
  int64_t bytes = given.int64(0);
  bool wants_huge = given.boolean(1);
  elements_view<int32_t> report = given.elements<int32_t>(2, 1);
  if (!given.valid() || bytes <= 0) return given.refuse(misused);
  std::unique_ptr<mapped_region> region(new (std::nothrow) mapped_region());
  int error = region == nullptr ? -ENOMEM : region->map(static_cast<size_t>(bytes), wants_huge);
  if (error != 0) return given.number(error);
  report[0] = static_cast<int32_t>(region->kind());
  auto finalize = [](napi_env, void*, void* hint) { delete static_cast<mapped_region*>(hint); };
  napi_value result = nullptr;
  if (napi_create_external_arraybuffer(info.Env(), region->memory(), region->bytes(), finalize, region.get(), &result) != napi_ok) {
    return given.refuse("mapRegion: the runtime refuses external memory");
  }
  region.release();
  return {info.Env(), result};
}

Napi::Object initialize_addon(Napi::Env env, Napi::Object exports) {
  auto* instance = new (std::nothrow) environment(env);
  if (instance == nullptr || !env_instance<environment>::install(env, instance)) {
    Napi::Error::New(env, "sendzc_sendmsg: Node-API refuses the instance").ThrowAsJavaScriptException();
    return exports;
  }
  export_cold<initialize>(exports, "initialize", instance);
  export_cold<use_events>(exports, "useEvents", instance);
  export_cold<open>(exports, "open", instance);
  export_hot(exports, "submit", submit, instance);
  export_hot(exports, "submitAddressed", submit_addressed, instance);
  export_hot(exports, "submitOne", submit_one, instance);
  export_hot(exports, "collect", collect, instance);
  export_hot(exports, "arm", arm, instance);
  export_hot(exports, "disarm", disarm, instance);
  export_cold<failure>(exports, "failure", instance);
  export_cold<wait_error>(exports, "waitError", instance);
  export_cold<set_referenced>(exports, "setReferenced", instance);
  export_cold<abort>(exports, "abort", instance);
  export_cold<undelivered>(exports, "undelivered", instance);
  export_cold<acknowledged>(exports, "acknowledged", instance);
  export_cold<close>(exports, "close", instance);
  export_cold<counters>(exports, "counters", instance);
  export_cold<process_memory>(exports, "processMemory", instance);
  export_cold<probe_zerocopy_here>(exports, "probeZerocopy", instance);
  export_cold<probe_inline_here>(exports, "probeInline", instance);
  export_cold<map_region>(exports, "mapRegion", instance);
  export_file_calls(exports, instance);
  return exports;
}

}  // namespace

}  // namespace sendzc

using sendzc::initialize_addon;
NODE_API_MODULE(sendzc_sendmsg, initialize_addon)
