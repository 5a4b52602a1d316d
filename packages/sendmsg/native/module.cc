// The addon's functions as JavaScript sees them. Typed by src/native.ts, which is their only caller.
#include <node_api.h>

#include <new>

#include "environment.h"
#include "host_probe.h"
#include "napi_arguments.h"
#include "sendzc/env_instance.h"
#include "sendzc/pinned_buffer.h"
#include "submit.h"

namespace sendzc {

namespace {

// start(onEvents, isMainThread): 0 or a negated errno
napi_value start(napi_env env, napi_callback_info info) {
  arguments<2> given(env, info);
  bool is_main_thread = given.boolean(1);
  if (!given.valid()) return given.refuse();
  return given.number(static_cast<int32_t>(given.home()->start(given[0], is_main_thread)));
}

// useEvents(words)
napi_value use_events(napi_env env, napi_callback_info info) {
  arguments<1> given(env, info);
  if (!given.valid() || !given.home()->use_events(given[0])) return given.refuse();
  return nullptr;
}

// open(request: Int32Array of 7, report: Int32Array of 5): handle or a negated errno
napi_value open(napi_env env, napi_callback_info info) {
  arguments<2> given(env, info);
  auto* words = given.words<int32_t>(0, napi_int32_array, 7);
  auto* report = given.words<int32_t>(1, napi_int32_array, 5);
  if (!given.valid()) return given.refuse();
  driver_request request;
  request.fd = words[0];
  request.path = static_cast<notification_path>(words[1]);
  request.max_in_flight = static_cast<uint32_t>(words[2]);
  request.interval = static_cast<uint32_t>(words[3]);
  request.cmsg_type = words[4];
  request.inline_capacity = static_cast<uint32_t>(words[5]);
  request.within_dispatch = words[6] != 0;
  opened_socket opened;
  int32_t handle = given.home()->open_driver(request, opened);
  report[0] = static_cast<int32_t>(opened.stage);
  report[1] = opened.facts.domain;
  report[2] = opened.facts.type;
  report[3] = opened.facts.protocol;
  report[4] = opened.facts.listening ? 1 : 0;
  return given.number(handle);
}

// collect(handle): number of events
napi_value collect(napi_env env, napi_callback_info info) {
  arguments<1> given(env, info);
  driver* of = given.opened(0);
  if (of == nullptr) return given.refuse();
  event_buffer& events = given.home()->fresh_events();
  bool reported = of->collected_on_wake;
  of->collected_on_wake = false;
  if (!reported) of->sends.collect(*of, false);
  return given.number(static_cast<int32_t>(events.size()));
}

// arm(handle, bits): 0 or a negated errno
napi_value arm(napi_env env, napi_callback_info info) {
  arguments<2> given(env, info);
  driver* of = given.opened(0);
  int32_t handle = given.int32(0);
  int32_t bits = given.int32(1);
  if (!given.valid()) return given.refuse();
  return given.number(given.home()->arm(*of, handle, static_cast<uint32_t>(bits)));
}

// disarm(handle, bits)
napi_value disarm(napi_env env, napi_callback_info info) {
  arguments<2> given(env, info);
  driver* of = given.opened(0);
  int32_t bits = given.int32(1);
  if (!given.valid()) return given.refuse();
  given.home()->disarm(*of, static_cast<uint32_t>(bits));
  return nullptr;
}

// failure(handle, token): the system_call that failed for a message, and its errno times 16
napi_value failure(napi_env env, napi_callback_info info) {
  arguments<2> given(env, info);
  driver* of = given.opened(0);
  int32_t token = given.int32(1);
  if (!given.valid()) return given.refuse();
  return given.number(static_cast<int32_t>(of->failure(static_cast<uint32_t>(token))));
}

// waitError(): a negated errno of epoll_wait, or 0
napi_value wait_error(napi_env env, napi_callback_info info) {
  arguments<1> given(env, info);
  return given.number(static_cast<int32_t>(given.home()->wait_error()));
}

// setReferenced(handle, referenced)
napi_value set_referenced(napi_env env, napi_callback_info info) {
  arguments<2> given(env, info);
  driver* of = given.opened(0);
  bool referenced = given.boolean(1);
  if (!given.valid()) return given.refuse();
  given.home()->set_referenced(*of, referenced);
  return nullptr;
}

// abort(handle): number of events
napi_value abort(napi_env env, napi_callback_info info) {
  arguments<1> given(env, info);
  driver* of = given.opened(0);
  if (of == nullptr) return given.refuse();
  event_buffer& events = given.home()->fresh_events();
  of->sends.abort();
  of->collected_on_wake = false;
  of->sends.collect(*of, false);
  return given.number(static_cast<int32_t>(events.size()));
}

// undelivered(handle): bytes that the peer of a TCP connection has not acknowledged
napi_value undelivered(napi_env env, napi_callback_info info) {
  arguments<1> given(env, info);
  driver* of = given.opened(0);
  if (of == nullptr) return given.refuse();
  return given.number(of->sends.undelivered());
}

// close(handle): bytes left pinned
napi_value close(napi_env env, napi_callback_info info) {
  arguments<1> given(env, info);
  int32_t handle = given.int32(0);
  if (!given.valid()) return given.refuse();
  return given.number(given.home()->close_driver(handle));
}

// counters(handle, out: Float64Array of 11)
napi_value counters(napi_env env, napi_callback_info info) {
  arguments<2> given(env, info);
  driver* of = given.opened(0);
  auto* out = given.words<double>(1, napi_float64_array, 11);
  if (!given.valid()) return given.refuse();
  const sender_counters& from = of->sends.counters();
  const uint64_t values[] = {from.send_calls,      from.collect_calls,   from.empty_collect_calls, from.notifications,
                             from.notified_ids,    from.foreign_errors,  from.unknown_ids,         from.uncounted_copies,
                             from.fragment_copies, of->sends.in_flight()};
  size_t at = 0;
  for (uint64_t value : values) out[at++] = static_cast<double>(value);
  out[at] = static_cast<double>(of->pins.pinned_bytes());
  return nullptr;
}

// processMemory(out: Float64Array of 2): bytes pinned now and bytes left pinned on purpose, by all environments
napi_value process_memory(napi_env env, napi_callback_info info) {
  arguments<1> given(env, info);
  auto* out = given.words<double>(0, napi_float64_array, 2);
  if (!given.valid()) return given.refuse();
  out[0] = static_cast<double>(process_pinned_bytes.load(std::memory_order_relaxed));
  out[1] = static_cast<double>(process_leaked_bytes.load(std::memory_order_relaxed));
  return nullptr;
}

// probeZerocopy(domain, type): 0 or a negated errno
napi_value probe_zerocopy_here(napi_env env, napi_callback_info info) {
  arguments<2> given(env, info);
  int32_t domain = given.int32(0);
  int32_t type = given.int32(1);
  if (!given.valid()) return given.refuse();
  return given.number(static_cast<int32_t>(probe_zerocopy(domain, type)));
}

// probeInline(cmsgType): 1, 0 or a negated errno
napi_value probe_inline_here(napi_env env, napi_callback_info info) {
  arguments<1> given(env, info);
  int32_t cmsg_type = given.int32(0);
  if (!given.valid()) return given.refuse();
  return given.number(static_cast<int32_t>(probe_inline(cmsg_type)));
}

}  // namespace

napi_value init(napi_env env, napi_value exports) {
  auto* home = new (std::nothrow) environment(env);
  if (home == nullptr || !env_instance<environment>::install(env, home)) return exports;
  const struct {
    const char* name;
    napi_callback function;
  } functions[] = {
      {"start", start},
      {"useEvents", use_events},
      {"open", open},
      {"submit", submit},
      {"submitOne", submit_one},
      {"collect", collect},
      {"arm", arm},
      {"disarm", disarm},
      {"failure", failure},
      {"waitError", wait_error},
      {"setReferenced", set_referenced},
      {"abort", abort},
      {"undelivered", undelivered},
      {"close", close},
      {"counters", counters},
      {"processMemory", process_memory},
      {"probeZerocopy", probe_zerocopy_here},
      {"probeInline", probe_inline_here},
  };
  for (const auto& entry : functions) {
    napi_value function = nullptr;
    if (napi_create_function(env, entry.name, NAPI_AUTO_LENGTH, entry.function, home, &function) == napi_ok) {
      napi_set_named_property(env, exports, entry.name, function);
    }
  }
  return exports;
}

}  // namespace sendzc

NAPI_MODULE_INIT() { return sendzc::init(env, exports); }
