// The functions that run for every batch: plain Node-API, no allocation.
#include <errno.h>

#include "binding_values.h"
#include "sendzc/pinned_buffer.h"

namespace sendzc {

namespace {

// Words per message in SendBatch.table, and its flag: mirrored from packages/core/src/driver/driver.ts.
constexpr size_t table_words = 3;
constexpr uint32_t message_zerocopy = 1;

enum submit_mode : uint32_t {
  mode_hold = 0,   // until flush
  mode_enter = 1,  // one enter; events stay in the ring, since earlier ones are still read
  mode_enter_and_reap = 2,
};

// Where the segments of a batch come from: an array, or the one segment itself, which spares the look into an array.
struct segment_source {
  napi_value value;
  bool is_array;
};

// `pinned`: false where the message is sent before this call returns, and copied.
bool add_segments(napi_env env, send_engine& engine, segment_source segments, uint32_t first, uint32_t count, bool pinned) {
  for (uint32_t i = 0; i < count; i++) {
    napi_value view = segments.value;
    napi_value buffer;
    napi_typedarray_type type;
    size_t bytes = 0;
    void* data = nullptr;
    if ((segments.is_array && napi_get_element(env, segments.value, first + i, &view) != napi_ok) ||
        napi_get_typedarray_info(env, view, &type, &bytes, &data, &buffer, nullptr) != napi_ok || type != napi_uint8_array) {
      return false;
    }
    engine.add_segment(static_cast<const uint8_t*>(data), bytes, pinned ? pin_array_buffer(buffer) : memory_pin());
  }
  return true;
}

const char* submit_messages(napi_env env, send_engine& engine, driver_slot& driver, const uint32_t* table, uint32_t messages,
                            segment_source segments, bool hands_over) {
  engine.begin_batch(driver, messages, hands_over);
  uint32_t first = 0;
  for (uint32_t message = 0; message < messages; message++, table += table_words) {
    uint32_t count = table[1];
    admission admitted = engine.begin_message(table[0], count);
    if (admitted == admission::misused) return "a token is out of range or in flight, or a message has too many segments";
    if (admitted == admission::accepted) {
      bool zerocopy = (table[2] & message_zerocopy) != 0;
      if (!add_segments(env, engine, segments, first, count, zerocopy || !engine.copies_go_at_once())) {
        engine.drop_message();
        return "a segment is not a Uint8Array";
      }
      engine.end_message(zerocopy);
    }
    first += count;
  }
  return nullptr;
}

}  // namespace

// submit(segments) -> events in the buffer. The driver, the number of messages, the mode and whether `segments` is an array are in the
// control words; the messages are described in the driver's table. One argument, since each costs a call into Node.js.
napi_value submit(napi_env env, napi_callback_info info) {
  call_arguments<1> arguments(env, info);
  if (arguments.host() == nullptr || arguments.host()->control() == nullptr) return misuse(env, "submit: wrong arguments");
  const uint32_t* control = arguments.host()->control();
  uint32_t messages = control[1];
  uint32_t mode = control[2];
  segment_source segments = {arguments.value(0), control[3] == 0};
  driver_reference found = find_driver(*arguments.host(), control[0]);
  if (found.driver == nullptr) return misuse(env, "submit: the driver is closed");
  if (messages > found.driver->table_words / table_words) return misuse(env, "submit: more messages than the table holds");
  send_engine& engine = found.host->engine();
  if (!segments.is_array && (messages != 1 || found.driver->table[1] != 1)) return misuse(env, "submit: one segment is one message");
  const char* wrong = submit_messages(env, engine, *found.driver, found.driver->table, messages, segments, mode != mode_hold);
  uint32_t events = 0;
  if (mode != mode_hold) engine.flush(found.driver);
  if (mode == mode_enter_and_reap && wrong == nullptr) events = found.host->reap(false);
  found.host->follow_engine(mode == mode_enter);
  if (wrong != nullptr) return misuse(env, wrong);
  return integer(env, static_cast<int32_t>(events));
}

// flush(ring, driver, reap) -> events in the buffer. The flush is for all of the ring; the driver, which may be closed, is who asked for
// it.
napi_value flush(napi_env env, napi_callback_info info) {
  call_arguments<3> arguments(env, info);
  uint32_t ring;
  uint32_t name;
  bool reap;
  if (arguments.host() == nullptr || !arguments.number(0, ring) || !arguments.number(1, name) || !arguments.flag(2, reap)) {
    return misuse(env, "flush: wrong arguments");
  }
  ring_host* host = arguments.host()->ring(ring);
  if (host == nullptr) return integer(env, 0);
  host->engine().flush(find_driver(*arguments.host(), name).driver);
  uint32_t events = reap ? host->reap(false) : 0;
  host->follow_engine(!reap);
  return integer(env, static_cast<int32_t>(events));
}

// collect(ring, driver) -> events in the buffer. Runs deferred completion work first, where there is some; `driver` is who asked, or none.
napi_value collect(napi_env env, napi_callback_info info) {
  call_arguments<2> arguments(env, info);
  uint32_t ring;
  uint32_t name;
  if (arguments.host() == nullptr || !arguments.number(0, ring) || !arguments.number(1, name))
    return misuse(env, "collect: wrong arguments");
  ring_host* host = arguments.host()->ring(ring);
  if (host == nullptr) return integer(env, 0);
  driver_slot* driver = find_driver(*arguments.host(), name).driver;
  host->engine().collect(driver);
  uint32_t events = host->reap(driver == nullptr);
  host->follow_engine();
  return integer(env, static_cast<int32_t>(events));
}

// arm(driver, bits)
napi_value arm(napi_env env, napi_callback_info info) {
  call_arguments<2> arguments(env, info);
  uint32_t name;
  uint32_t bits;
  if (arguments.host() == nullptr || !arguments.number(0, name) || !arguments.number(1, bits)) return misuse(env, "arm: wrong arguments");
  driver_reference found = find_driver(*arguments.host(), name);
  if (found.driver == nullptr) return nullptr;
  found.host->engine().arm(*found.driver, bits);
  found.host->follow_engine();
  return nullptr;
}

// disarm(driver, bits)
napi_value disarm(napi_env env, napi_callback_info info) {
  call_arguments<2> arguments(env, info);
  uint32_t name;
  uint32_t bits;
  if (arguments.host() == nullptr || !arguments.number(0, name) || !arguments.number(1, bits))
    return misuse(env, "disarm: wrong arguments");
  driver_reference found = find_driver(*arguments.host(), name);
  if (found.driver == nullptr) return nullptr;
  found.host->engine().disarm(*found.driver, bits);
  found.host->follow_engine();
  return nullptr;
}

// setReferenced(driver, referenced)
napi_value set_referenced(napi_env env, napi_callback_info info) {
  call_arguments<2> arguments(env, info);
  uint32_t name;
  bool referenced;
  if (arguments.host() == nullptr || !arguments.number(0, name) || !arguments.flag(1, referenced))
    return misuse(env, "setReferenced: wrong arguments");
  driver_reference found = find_driver(*arguments.host(), name);
  if (found.driver == nullptr) return nullptr;
  found.host->engine().set_referenced(*found.driver, referenced);
  found.host->follow_engine();
  return nullptr;
}

}  // namespace sendzc
