// The addon's functions for JavaScript, except those of binding_hot.cc. src/native.ts types them and is their only caller.
#include <errno.h>
#include <napi.h>

#include <new>

#include "binding_arguments.h"
#include "binding_hot.h"
#include "binding_regions.h"
#include "host_probe.h"
#include "sendzc/env_instance.h"
#include "sendzc/file_calls.h"
#include "sendzc/pinned_buffer.h"
#include "sendzc/socket_facts.h"

namespace sendzc {

namespace {

// initialize(isMainThread): the array of the control words
Napi::Value initialize(const Napi::CallbackInfo& info) {
  cold given(info, 1);
  bool main_thread = given.boolean(0);
  return given.valid() ? given.instance().initialize(main_thread) : given.refuse("initialize: wrong arguments");
}

// useTable(driver, table, envelopes): the arrays that the submissions of this driver are read from, until the next call
Napi::Value use_table(const Napi::CallbackInfo& info) {
  cold given(info, 3);
  uint32_t handle = given.uint32(0);
  elements_view<uint32_t> table = given.elements<uint32_t>(1, 0);
  elements_view<uint32_t> envelopes = given.elements<uint32_t>(2, table.length / table_words * envelope_words);
  driver_reference found;
  if (given.valid()) found = find_driver(given.instance(), handle);
  if (found.driver == nullptr) return given.refuse("useTable: the driver is closed, or it is no Uint32Array");
  found.driver->table = table.data;
  found.driver->table_words = table.length;
  // The pin keeps the memory even where a program transfers the array.
  found.driver->table_pin = pin_array_buffer(given[1].As<Napi::TypedArray>().ArrayBuffer());
  found.driver->envelopes = envelopes.data;
  found.driver->envelopes_pin = pin_array_buffer(given[2].As<Napi::TypedArray>().ArrayBuffer());
  return {};
}

// The first two arguments are entries and completionEntries.
ring_settings read_settings(cold& given) {
  ring_settings settings;
  settings.submission_entries = given.uint32(0);
  settings.completion_entries = given.uint32(1);
  return settings;
}

// createRing(entries, completionEntries, events, onReady): handle, or a negated errno
Napi::Value create_ring(const Napi::CallbackInfo& info) {
  cold given(info, 4);
  ring_settings settings = read_settings(given);
  elements_view<int32_t> words = given.elements<int32_t>(2, 2 * event_buffer::words_per_event);
  if (!given.valid()) return given.refuse("createRing: wrong arguments");
  return given.number(given.instance().create_ring(settings, given[2], given[3], words));
}

// describeRing(ring, into): setup flags, SQ entries, CQ entries, 1 where copies are reported, limit of messages in flight
Napi::Value describe_ring(const Napi::CallbackInfo& info) {
  cold given(info, 2);
  uint32_t handle = given.uint32(0);
  elements_view<uint32_t> into = given.elements<uint32_t>(1, 5);
  if (!given.valid()) return given.refuse("describeRing: wrong arguments");
  attached_ring* ring = given.instance().find_ring(handle);
  if (ring == nullptr) return given.number(-EBADF);
  const send_engine& engine = ring->engine();
  into[0] = engine.queue().setup_flags();
  into[1] = engine.queue().submission_entries();
  into[2] = engine.queue().completion_entries();
  into[3] = engine.reports_usage() ? 1 : 0;
  into[4] = engine.token_limit();
  return given.number(0);
}

// releaseRing(ring): false where it is in use
Napi::Value release_ring(const Napi::CallbackInfo& info) {
  cold given(info, 1);
  uint32_t handle = given.uint32(0);
  if (!given.valid()) return given.refuse("releaseRing: wrong arguments");
  return Napi::Boolean::New(info.Env(), given.instance().release_ring(handle));
}

// keepRing(ring): false where it is closed
Napi::Value keep_ring(const Napi::CallbackInfo& info) {
  cold given(info, 1);
  uint32_t handle = given.uint32(0);
  if (!given.valid()) return given.refuse("keepRing: wrong arguments");
  return Napi::Boolean::New(info.Env(), given.instance().keep_ring(handle));
}

// failedCall(): the system call behind the last negated errno of createRing or openDriver
Napi::Value failed_call(const Napi::CallbackInfo& info) { return Napi::String::New(info.Env(), cold(info, 0).instance().failed_call()); }

// socketFacts(fd, into): domain, type, protocol, 1 where connected, 1 where listening; 0 or a negated errno
Napi::Value socket_facts_of(const Napi::CallbackInfo& info) {
  cold given(info, 2);
  int32_t fd = given.int32(0);
  elements_view<int32_t> into = given.elements<int32_t>(1, 5);
  if (!given.valid()) return given.refuse("socketFacts: wrong arguments");
  socket_facts facts;
  int result = read_socket_facts(fd, facts);
  into[0] = facts.domain;
  into[1] = facts.type;
  into[2] = facts.protocol;
  into[3] = facts.connected ? 1 : 0;
  into[4] = facts.listening ? 1 : 0;
  return given.number(result);
}

// openDriver(ring, fd, maxInFlight, domain, type, protocol): handle, or a negated errno
Napi::Value open_driver(const Napi::CallbackInfo& info) {
  cold given(info, 6);
  uint32_t handle = given.uint32(0);
  int32_t fd = given.int32(1);
  uint32_t max_in_flight = given.uint32(2);
  socket_facts facts;
  facts.domain = given.int32(3);
  facts.type = given.int32(4);
  facts.protocol = given.int32(5);
  if (!given.valid()) return given.refuse("openDriver: wrong arguments");
  attached_ring* ring = given.instance().find_ring(handle);
  if (ring == nullptr) return given.number(-EBADF);
  uint32_t index = 0;
  int result = ring->engine().add_driver(fd, facts, max_in_flight, index);
  if (result == 0) return given.number(driver_handle(handle, *ring->engine().find(index)));
  given.instance().set_failed_call(ring->engine().failed_call());
  return given.number(result);
}

// setReferenced(driver, referenced)
Napi::Value set_referenced(const Napi::CallbackInfo& info) {
  cold given(info, 2);
  uint32_t handle = given.uint32(0);
  bool referenced = given.boolean(1);
  if (!given.valid()) return given.refuse("setReferenced: wrong arguments");
  driver_reference found = find_driver(given.instance(), handle);
  if (found.driver == nullptr) return {};
  found.ring->engine().set_referenced(*found.driver, referenced);
  found.ring->follow_engine();
  return {};
}

// abortDriver(driver)
Napi::Value abort_driver(const Napi::CallbackInfo& info) {
  cold given(info, 1);
  uint32_t handle = given.uint32(0);
  if (!given.valid()) return given.refuse("abortDriver: wrong arguments");
  driver_reference found = find_driver(given.instance(), handle);
  if (found.driver == nullptr) return {};
  found.ring->engine().abort(*found.driver);
  found.ring->follow_engine();
  return {};
}

// undelivered(driver): bytes that the peer of a TCP connection has not acknowledged
Napi::Value undelivered(const Napi::CallbackInfo& info) {
  cold given(info, 1);
  uint32_t handle = given.uint32(0);
  if (!given.valid()) return given.refuse("undelivered: wrong arguments");
  driver_reference found = find_driver(given.instance(), handle);
  return given.number(found.driver == nullptr ? 0 : found.ring->engine().undelivered(*found.driver));
}

// acknowledged(driver): bytes that the peer of a TCP connection has acknowledged since its beginning
Napi::Value acknowledged(const Napi::CallbackInfo& info) {
  cold given(info, 1);
  uint32_t handle = given.uint32(0);
  if (!given.valid()) return given.refuse("acknowledged: wrong arguments");
  driver_reference found = find_driver(given.instance(), handle);
  return given.number(found.driver == nullptr ? 0 : found.ring->engine().acknowledged(*found.driver));
}

// closeDriver(driver): bytes that the kernel still shares
Napi::Value close_driver(const Napi::CallbackInfo& info) {
  cold given(info, 1);
  uint32_t handle = given.uint32(0);
  if (!given.valid()) return given.refuse("closeDriver: wrong arguments");
  driver_reference found = find_driver(given.instance(), handle);
  if (found.driver == nullptr) return given.number(0);
  int64_t bytes = found.ring->engine().close(*found.driver);
  found.ring->follow_engine();
  return given.number(bytes);
}

// pinnedBytes(driver): bytes, also after its close
Napi::Value pinned_bytes(const Napi::CallbackInfo& info) {
  cold given(info, 1);
  uint32_t handle = given.uint32(0);
  if (!given.valid()) return given.refuse("pinnedBytes: wrong arguments");
  attached_ring* ring = given.instance().ring_of_driver(handle);
  if (ring == nullptr) return given.number(0);
  return given.number(ring->engine().pinned_bytes(driver_index_of(handle), environment::driver_handles::generation_of(handle)));
}

// answerSource(driver, token): the source of the token's last answer, see answer_source
Napi::Value answer_source_of(const Napi::CallbackInfo& info) {
  cold given(info, 2);
  uint32_t handle = given.uint32(0);
  uint32_t token = given.uint32(1);
  if (!given.valid()) return given.refuse("answerSource: wrong arguments");
  driver_reference found = find_driver(given.instance(), handle);
  bool known = found.driver != nullptr && token < found.driver->tokens.size();
  return given.number(static_cast<int32_t>(known ? found.driver->tokens[token].source : answer_source::request));
}

// ringError(ring): the errno of io_uring_enter once it is given up, otherwise 0
Napi::Value ring_error(const Napi::CallbackInfo& info) {
  cold given(info, 1);
  uint32_t handle = given.uint32(0);
  if (!given.valid()) return given.refuse("ringError: wrong arguments");
  attached_ring* ring = given.instance().find_ring(handle);
  return given.number(ring == nullptr ? 0 : ring->engine().given_up_error());
}

// counters(driver, into): send calls, collect calls, empty ones, notifications, messages notified, pinned bytes
Napi::Value counters(const Napi::CallbackInfo& info) {
  cold given(info, 2);
  uint32_t handle = given.uint32(0);
  elements_view<double> into = given.elements<double>(1, 6);
  if (!given.valid()) return given.refuse("counters: wrong arguments");
  driver_reference found = find_driver(given.instance(), handle);
  if (found.driver == nullptr) return {};
  const driver_totals& totals = found.driver->totals;
  into[0] = static_cast<double>(totals.send_calls);
  into[1] = static_cast<double>(totals.collect_calls);
  into[2] = static_cast<double>(totals.empty_collect_calls);
  into[3] = static_cast<double>(totals.notifications);
  into[4] = static_cast<double>(totals.notified_messages);
  into[5] = static_cast<double>(totals.pinned_bytes);
  return {};
}

// processMemory(out: Float64Array of 2): bytes pinned now and bytes left pinned on purpose, by all environments
Napi::Value process_memory(const Napi::CallbackInfo& info) {
  cold given(info, 1);
  elements_view<double> out = given.elements<double>(0, 2);
  if (!given.valid()) return given.refuse("processMemory: wrong arguments");
  out[0] = static_cast<double>(process_pinned_bytes.load(std::memory_order_relaxed));
  out[1] = static_cast<double>(process_leaked_bytes.load(std::memory_order_relaxed));
  return {};
}

// probe(entries, completionEntries, into): see host_probe.h; 0 or a negated errno of io_uring_setup
Napi::Value probe(const Napi::CallbackInfo& info) {
  cold given(info, 3);
  ring_settings settings = read_settings(given);
  elements_view<uint32_t> into = given.elements<uint32_t>(2, 4);
  if (!given.valid()) return given.refuse("probe: wrong arguments");
  host_findings findings;
  int result = probe_host(settings, findings);
  into[0] = findings.setup_flags;
  into[1] = findings.send_zc ? 1 : 0;
  into[2] = findings.sendmsg_zc ? 1 : 0;
  into[3] = findings.reports_usage ? 1 : 0;
  return given.number(result);
}

void export_all(Napi::Object exports, environment* instance) {
  export_cold<initialize>(exports, "initialize", instance);
  export_cold<create_ring>(exports, "createRing", instance);
  export_cold<describe_ring>(exports, "describeRing", instance);
  export_cold<release_ring>(exports, "releaseRing", instance);
  export_cold<keep_ring>(exports, "keepRing", instance);
  export_cold<failed_call>(exports, "failedCall", instance);
  export_cold<socket_facts_of>(exports, "socketFacts", instance);
  export_cold<open_driver>(exports, "openDriver", instance);
  export_cold<use_table>(exports, "useTable", instance);
  export_hot(exports, "submit", submit, instance);
  export_hot(exports, "flush", flush, instance);
  export_hot(exports, "collect", collect, instance);
  export_hot(exports, "arm", arm, instance);
  export_hot(exports, "disarm", disarm, instance);
  export_cold<set_referenced>(exports, "setReferenced", instance);
  export_cold<abort_driver>(exports, "abortDriver", instance);
  export_cold<undelivered>(exports, "undelivered", instance);
  export_cold<acknowledged>(exports, "acknowledged", instance);
  export_cold<close_driver>(exports, "closeDriver", instance);
  export_cold<pinned_bytes>(exports, "pinnedBytes", instance);
  export_cold<answer_source_of>(exports, "answerSource", instance);
  export_cold<ring_error>(exports, "ringError", instance);
  export_cold<counters>(exports, "counters", instance);
  export_cold<process_memory>(exports, "processMemory", instance);
  export_cold<probe>(exports, "probe", instance);
  export_region_calls(exports, instance);
  export_file_calls(exports, instance);
}

Napi::Object fail(Napi::Env env, Napi::Object exports, const char* message) {
  Napi::Error error = Napi::Error::New(env, message);
  error.Set("code", "ERR_ZC_PLATFORM");
  error.ThrowAsJavaScriptException();
  return exports;
}

Napi::Object initialize_addon(Napi::Env env, Napi::Object exports) {
  if (!pinning_available()) return fail(env, exports, "this runtime has no V8 backing stores to pin memory with");
  uv_loop_t* loop = nullptr;
  environment* instance = nullptr;
  if (napi_get_uv_event_loop(env, &loop) == napi_ok) instance = new (std::nothrow) environment(env, loop);
  if (instance == nullptr || !env_instance<environment>::install(env, instance)) {
    return fail(env, exports, "this runtime has no event loop for an addon");
  }
  export_all(exports, instance);
  return exports;
}

}  // namespace

}  // namespace sendzc

using sendzc::initialize_addon;
NODE_API_MODULE(sendzc_uring, initialize_addon)
