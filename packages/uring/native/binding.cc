// The addon: its functions, and one instance per environment.
#include <errno.h>
#include <node_api.h>

#include <memory>
#include <new>
#include <utility>

#include "binding_values.h"
#include "host_probe.h"
#include "sendzc/env_instance.h"
#include "sendzc/pinned_buffer.h"
#include "sendzc/socket_facts.h"

namespace sendzc {

namespace {

// The memory of a Uint32Array of at least `least` words that is kept beyond the call: pinned, so that not even a transfer frees it.
bool keep_words(napi_env env, napi_value array, size_t least, uint32_t*& words, size_t& length, memory_pin& pin) {
  napi_typedarray_type type;
  void* memory = nullptr;
  napi_value buffer;
  if (napi_get_typedarray_info(env, array, &type, &length, &memory, &buffer, nullptr) != napi_ok || type != napi_uint32_array ||
      length < least) {
    return false;
  }
  words = static_cast<uint32_t*>(memory);
  pin = pin_array_buffer(buffer);
  return true;
}

// initialize(isMainThread) -> the array of the small arguments of submit
napi_value initialize(napi_env env, napi_callback_info info) {
  call_arguments<1> arguments(env, info);
  bool main_thread;
  napi_value control = nullptr;
  if (arguments.host() == nullptr || !arguments.flag(0, main_thread)) return misuse(env, "initialize: wrong arguments");
  if (arguments.host()->begin(main_thread, control) != napi_ok) return misuse(env, "initialize: no array");
  return control;
}

// useTable(driver, table): the table that the submissions of this driver are read from, until the next call
napi_value use_table(napi_env env, napi_callback_info info) {
  call_arguments<2> arguments(env, info);
  uint32_t name;
  if (arguments.host() == nullptr || !arguments.number(0, name)) return misuse(env, "useTable: wrong arguments");
  driver_reference found = find_driver(*arguments.host(), name);
  uint32_t* words;
  size_t length;
  memory_pin pin;
  if (found.driver == nullptr || !keep_words(env, arguments.value(1), 0, words, length, pin)) {
    return misuse(env, "useTable: the driver is closed, or it is no Uint32Array");
  }
  found.driver->table = words;
  found.driver->table_words = length;
  found.driver->table_pin = std::move(pin);
  return nullptr;
}

// createRing(entries, completionEntries, sqpollIdleMs (-1: none), events, onReady) -> name, or a negated errno
napi_value create_ring(napi_env env, napi_callback_info info) {
  call_arguments<5> arguments(env, info);
  ring_settings settings;
  int32_t idle_ms;
  int32_t* words;
  size_t word_count;
  if (arguments.host() == nullptr || !arguments.number(0, settings.submission_entries) ||
      !arguments.number(1, settings.completion_entries) || !arguments.number(2, idle_ms) ||
      !arguments.elements(3, napi_int32_array, words, word_count) || word_count < 2 * event_buffer::words_per_event) {
    return misuse(env, "createRing: wrong arguments");
  }
  settings.sqpoll = idle_ms >= 0;
  settings.sqpoll_idle_ms = idle_ms >= 0 ? static_cast<uint32_t>(idle_ms) : 0;
  return integer(env, arguments.host()->create_ring(settings, arguments.value(3), arguments.value(4), words, word_count));
}

// registerRegion(ring, region) -> 0 or a negated errno
napi_value register_region(napi_env env, napi_callback_info info) {
  call_arguments<2> arguments(env, info);
  uint32_t id;
  uint32_t region_id;
  if (arguments.host() == nullptr || !arguments.number(0, id) || !arguments.number(1, region_id)) {
    return misuse(env, "registerRegion: wrong arguments");
  }
  ring_host* host = arguments.host()->ring(id);
  std::shared_ptr<fixed_region> region = arguments.host()->region(region_id);
  if (host == nullptr || region == nullptr) return integer(env, -EBADF);
  return integer(env, host->engine().register_region(std::move(region)));
}

// describeRing(ring, into): setup flags, SQ entries, CQ entries, 1 where copies are reported, limit of messages in flight
napi_value describe_ring(napi_env env, napi_callback_info info) {
  call_arguments<2> arguments(env, info);
  uint32_t id;
  uint32_t* into;
  size_t length;
  if (arguments.host() == nullptr || !arguments.number(0, id) || !arguments.elements(1, napi_uint32_array, into, length) || length < 5) {
    return misuse(env, "describeRing: wrong arguments");
  }
  ring_host* host = arguments.host()->ring(id);
  if (host == nullptr) return integer(env, -EBADF);
  const send_engine& engine = host->engine();
  into[0] = engine.queue().setup_flags();
  into[1] = engine.queue().submission_entries();
  into[2] = engine.queue().completion_entries();
  into[3] = engine.reports_usage() ? 1 : 0;
  into[4] = engine.token_limit();
  return integer(env, 0);
}

// releaseRing(ring) -> false where it is in use
napi_value release_ring(napi_env env, napi_callback_info info) {
  call_arguments<1> arguments(env, info);
  uint32_t name;
  if (arguments.host() == nullptr || !arguments.number(0, name)) return misuse(env, "releaseRing: wrong arguments");
  napi_value result = nullptr;
  napi_get_boolean(env, arguments.host()->release_ring(name), &result);
  return result;
}

// keepRing(ring) -> false where it is closed
napi_value keep_ring(napi_env env, napi_callback_info info) {
  call_arguments<1> arguments(env, info);
  uint32_t name;
  if (arguments.host() == nullptr || !arguments.number(0, name)) return misuse(env, "keepRing: wrong arguments");
  napi_value result = nullptr;
  napi_get_boolean(env, arguments.host()->keep_ring(name), &result);
  return result;
}

// failedCall() -> the system call behind the last negated errno of createRing or openDriver
napi_value failed_call(napi_env env, napi_callback_info info) {
  call_arguments<0> arguments(env, info);
  napi_value result = nullptr;
  const char* call = arguments.host() == nullptr ? "" : arguments.host()->failed_call();
  napi_create_string_utf8(env, call, NAPI_AUTO_LENGTH, &result);
  return result;
}

// drainRing(ring): before the end of the process
napi_value drain_ring(napi_env env, napi_callback_info info) {
  call_arguments<1> arguments(env, info);
  uint32_t id;
  if (arguments.host() == nullptr || !arguments.number(0, id)) return misuse(env, "drainRing: wrong arguments");
  arguments.host()->drain_ring(id);
  return nullptr;
}

// socketFacts(fd, into): domain, type, protocol, 1 where connected, 1 where listening -> 0 or a negated errno
napi_value socket_facts_of(napi_env env, napi_callback_info info) {
  call_arguments<2> arguments(env, info);
  int32_t fd;
  int32_t* into;
  size_t length;
  if (arguments.host() == nullptr || !arguments.number(0, fd) || !arguments.elements(1, napi_int32_array, into, length) || length < 5) {
    return misuse(env, "socketFacts: wrong arguments");
  }
  socket_facts facts;
  int result = read_socket_facts(fd, facts);
  into[0] = facts.domain;
  into[1] = facts.type;
  into[2] = facts.protocol;
  into[3] = facts.connected ? 1 : 0;
  into[4] = facts.listening ? 1 : 0;
  return integer(env, result);
}

// openDriver(ring, fd, maxInFlight, domain, type) -> name, or a negated errno
napi_value open_driver(napi_env env, napi_callback_info info) {
  call_arguments<5> arguments(env, info);
  uint32_t ring;
  int32_t fd;
  uint32_t max_in_flight;
  socket_facts facts;
  if (arguments.host() == nullptr || !arguments.number(0, ring) || !arguments.number(1, fd) || !arguments.number(2, max_in_flight) ||
      !arguments.number(3, facts.domain) || !arguments.number(4, facts.type)) {
    return misuse(env, "openDriver: wrong arguments");
  }
  ring_host* host = arguments.host()->ring(ring);
  if (host == nullptr) return integer(env, -EBADF);
  uint32_t index = 0;
  int result = host->engine().add_driver(fd, facts, max_in_flight, index);
  if (result != 0) {
    arguments.host()->set_failed_call(host->engine().failed_call());
    return integer(env, result);
  }
  return integer(env, static_cast<int32_t>(driver_name(ring, *host->engine().find(index))));
}

// abortDriver(driver)
napi_value abort_driver(napi_env env, napi_callback_info info) {
  call_arguments<1> arguments(env, info);
  uint32_t name;
  if (arguments.host() == nullptr || !arguments.number(0, name)) return misuse(env, "abortDriver: wrong arguments");
  driver_reference found = find_driver(*arguments.host(), name);
  if (found.driver == nullptr) return nullptr;
  found.host->engine().abort(*found.driver);
  found.host->follow_engine();
  return nullptr;
}

// undelivered(driver) -> bytes that the peer of a TCP connection has not acknowledged
napi_value undelivered(napi_env env, napi_callback_info info) {
  call_arguments<1> arguments(env, info);
  uint32_t name;
  if (arguments.host() == nullptr || !arguments.number(0, name)) return misuse(env, "undelivered: wrong arguments");
  driver_reference found = find_driver(*arguments.host(), name);
  return integer(env, found.driver == nullptr ? 0 : found.host->engine().undelivered(*found.driver));
}

// closeDriver(driver) -> bytes that the kernel still shares
napi_value close_driver(napi_env env, napi_callback_info info) {
  call_arguments<1> arguments(env, info);
  uint32_t name;
  if (arguments.host() == nullptr || !arguments.number(0, name)) return misuse(env, "closeDriver: wrong arguments");
  driver_reference found = find_driver(*arguments.host(), name);
  int64_t bytes = found.driver == nullptr ? 0 : found.host->engine().close(*found.driver);
  if (found.host != nullptr) found.host->follow_engine();
  napi_value result = nullptr;
  napi_create_int64(env, bytes, &result);
  return result;
}

// pinnedBytes(driver) -> bytes, also after its close
napi_value pinned_bytes(napi_env env, napi_callback_info info) {
  call_arguments<1> arguments(env, info);
  uint32_t name;
  if (arguments.host() == nullptr || !arguments.number(0, name)) return misuse(env, "pinnedBytes: wrong arguments");
  ring_host* host = arguments.host()->ring_at(place_of(name));
  napi_value result = nullptr;
  napi_create_int64(env, host == nullptr ? 0 : host->engine().pinned_bytes(index_of(name), generation_of(name)), &result);
  return result;
}

// answerSource(driver, token) -> where the last answer of the token came from: see answer_source
napi_value answer_source_of(napi_env env, napi_callback_info info) {
  call_arguments<2> arguments(env, info);
  uint32_t name;
  uint32_t token;
  if (arguments.host() == nullptr || !arguments.number(0, name) || !arguments.number(1, token)) {
    return misuse(env, "answerSource: wrong arguments");
  }
  driver_reference found = find_driver(*arguments.host(), name);
  bool known = found.driver != nullptr && token < found.driver->tokens.size();
  return integer(env, static_cast<int32_t>(known ? found.driver->tokens[token].source : answer_source::request));
}

// ringError(ring) -> errno of io_uring_enter where it fails for good, else 0
napi_value ring_error(napi_env env, napi_callback_info info) {
  call_arguments<1> arguments(env, info);
  uint32_t id;
  if (arguments.host() == nullptr || !arguments.number(0, id)) return misuse(env, "ringError: wrong arguments");
  ring_host* host = arguments.host()->ring(id);
  return integer(env, host == nullptr ? 0 : host->engine().given_up_error());
}

// counters(driver, into): send calls, collect calls, empty ones, notifications, messages notified, pinned bytes
napi_value counters(napi_env env, napi_callback_info info) {
  call_arguments<2> arguments(env, info);
  uint32_t name;
  double* into;
  size_t length;
  if (arguments.host() == nullptr || !arguments.number(0, name) || !arguments.elements(1, napi_float64_array, into, length) || length < 6) {
    return misuse(env, "counters: wrong arguments");
  }
  driver_reference found = find_driver(*arguments.host(), name);
  if (found.driver == nullptr) return nullptr;
  const driver_totals& totals = found.driver->totals;
  into[0] = static_cast<double>(totals.send_calls);
  into[1] = static_cast<double>(totals.collect_calls);
  into[2] = static_cast<double>(totals.empty_collect_calls);
  into[3] = static_cast<double>(totals.notifications);
  into[4] = static_cast<double>(totals.notified_messages);
  into[5] = static_cast<double>(totals.pinned_bytes);
  return nullptr;
}

// processPins(into): bytes pinned by all environments of this process, bytes left pinned on purpose
napi_value process_pins(napi_env env, napi_callback_info info) {
  call_arguments<1> arguments(env, info);
  double* into;
  size_t length;
  if (arguments.host() == nullptr || !arguments.elements(0, napi_float64_array, into, length) || length < 2) {
    return misuse(env, "processPins: wrong arguments");
  }
  into[0] = static_cast<double>(process_pinned_bytes.load(std::memory_order_relaxed));
  into[1] = static_cast<double>(process_leaked_bytes.load(std::memory_order_relaxed));
  return nullptr;
}

// createRegion(count, slotBytes) -> number, or a negated errno
napi_value create_region(napi_env env, napi_callback_info info) {
  call_arguments<2> arguments(env, info);
  uint32_t count;
  uint32_t slot_bytes;
  if (arguments.host() == nullptr || !arguments.number(0, count) || !arguments.number(1, slot_bytes)) {
    return misuse(env, "createRegion: wrong arguments");
  }
  return integer(env, arguments.host()->create_region(count, slot_bytes));
}

// regionBuffer(region) -> ArrayBuffer over all of it. The memory lives for as long as the environment or the buffer, whichever is longer.
napi_value region_buffer(napi_env env, napi_callback_info info) {
  call_arguments<1> arguments(env, info);
  uint32_t id;
  if (arguments.host() == nullptr || !arguments.number(0, id)) return misuse(env, "regionBuffer: wrong arguments");
  std::shared_ptr<fixed_region> region = arguments.host()->region(id);
  if (region == nullptr) return misuse(env, "regionBuffer: no such region");
  auto* owner = new (std::nothrow) std::shared_ptr<fixed_region>(region);
  if (owner == nullptr) return misuse(env, "regionBuffer: out of memory");
  auto finalize = [](napi_env, void*, void* hint) { delete static_cast<std::shared_ptr<fixed_region>*>(hint); };
  napi_value result = nullptr;
  if (napi_create_external_arraybuffer(env, region->base(), region->bytes(), finalize, owner, &result) != napi_ok) {
    delete owner;
    return misuse(env, "regionBuffer: the runtime refuses external memory");
  }
  return result;
}

// regionInFlight(region, slot) -> messages in flight that use the slot
napi_value region_in_flight(napi_env env, napi_callback_info info) {
  call_arguments<2> arguments(env, info);
  uint32_t id;
  uint32_t slot;
  if (arguments.host() == nullptr || !arguments.number(0, id) || !arguments.number(1, slot)) {
    return misuse(env, "regionInFlight: wrong arguments");
  }
  std::shared_ptr<fixed_region> region = arguments.host()->region(id);
  return integer(env, region == nullptr ? 0 : static_cast<int32_t>(region->in_flight(slot)));
}

// probe(entries, completionEntries, sqpollIdleMs, into): see host_probe.h -> 0 or a negated errno of io_uring_setup
napi_value probe(napi_env env, napi_callback_info info) {
  call_arguments<4> arguments(env, info);
  ring_settings settings;
  int32_t idle_ms;
  uint32_t* into;
  size_t length;
  if (arguments.host() == nullptr || !arguments.number(0, settings.submission_entries) ||
      !arguments.number(1, settings.completion_entries) || !arguments.number(2, idle_ms) ||
      !arguments.elements(3, napi_uint32_array, into, length) || length < 4) {
    return misuse(env, "probe: wrong arguments");
  }
  settings.sqpoll = idle_ms >= 0;
  settings.sqpoll_idle_ms = idle_ms >= 0 ? static_cast<uint32_t>(idle_ms) : 0;
  host_findings findings;
  int result = probe_host(settings, findings);
  into[0] = findings.setup_flags;
  into[1] = findings.send_zc ? 1 : 0;
  into[2] = findings.sendmsg_zc ? 1 : 0;
  into[3] = findings.reports_usage ? 1 : 0;
  return integer(env, result);
}

struct function_entry {
  const char* name;
  napi_callback function;
};

constexpr function_entry functions[] = {
    {"initialize", initialize},
    {"createRing", create_ring},
    {"registerRegion", register_region},
    {"describeRing", describe_ring},
    {"drainRing", drain_ring},
    {"releaseRing", release_ring},
    {"keepRing", keep_ring},
    {"failedCall", failed_call},
    {"socketFacts", socket_facts_of},
    {"openDriver", open_driver},
    {"useTable", use_table},
    {"submit", submit},
    {"flush", flush},
    {"collect", collect},
    {"arm", arm},
    {"disarm", disarm},
    {"setReferenced", set_referenced},
    {"abortDriver", abort_driver},
    {"undelivered", undelivered},
    {"closeDriver", close_driver},
    {"pinnedBytes", pinned_bytes},
    {"answerSource", answer_source_of},
    {"ringError", ring_error},
    {"counters", counters},
    {"processPins", process_pins},
    {"createRegion", create_region},
    {"regionBuffer", region_buffer},
    {"regionInFlight", region_in_flight},
    {"probe", probe},
};

napi_value begin(napi_env env, napi_value exports) {
  uv_loop_t* loop = nullptr;
  if (!pinning_available()) {
    napi_throw_error(env, "ERR_ZC_PLATFORM", "this runtime has no V8 backing stores to pin memory with");
    return exports;
  }
  environment* instance = nullptr;
  if (napi_get_uv_event_loop(env, &loop) == napi_ok) instance = new (std::nothrow) environment(env, loop);
  if (instance == nullptr || !env_instance<environment>::install(env, instance)) {
    napi_throw_error(env, "ERR_ZC_PLATFORM", "this runtime has no event loop for an addon");
    return exports;
  }
  for (const function_entry& entry : functions) {
    napi_value function;
    if (napi_create_function(env, entry.name, NAPI_AUTO_LENGTH, entry.function, instance, &function) != napi_ok ||
        napi_set_named_property(env, exports, entry.name, function) != napi_ok) {
      break;
    }
  }
  return exports;
}

}  // namespace

}  // namespace sendzc

NAPI_MODULE_INIT() { return sendzc::begin(env, exports); }
