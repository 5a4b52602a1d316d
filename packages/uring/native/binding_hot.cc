#include "binding_hot.h"

#include <errno.h>

#include "binding_arguments.h"
#include "sendzc/pinned_buffer.h"

namespace sendzc {

namespace {

// Flags of a message in SendBatch.table: mirrored from packages/core/src/driver/send-batch.ts.
constexpr uint32_t message_zerocopy = 1;
constexpr uint32_t message_envelope = 2;

enum submit_mode : uint32_t {
  mode_hold = 0,   // until flush
  mode_enter = 1,  // one enter; events stay in the ring, since earlier ones are still read
  mode_enter_and_reap = 2,
};

// The source of a batch's segments: an array, or the one segment itself, which saves reading an array.
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

// Whether no message of a batch asks for zero-copy.
bool asks_for_none(const uint32_t* table, uint32_t messages) {
  for (uint32_t message = 0; message < messages; message++, table += table_words) {
    if ((table[2] & message_zerocopy) != 0) return false;
  }
  return true;
}

const char* submit_messages(napi_env env, send_engine& engine, driver_slot& driver, const uint32_t* table, uint32_t messages,
                            segment_source segments, bool hands_over) {
  engine.begin_batch(driver, messages, hands_over, hands_over && messages > 1 && asks_for_none(table, messages));
  uint32_t first = 0;
  for (uint32_t message = 0; message < messages; message++, table += table_words) {
    uint32_t count = table[1];
    admission admitted = engine.begin_message(table[0], count);
    if (admitted == admission::misused) return "a token is out of range or in flight, or a message has too many segments";
    bool addressed = admitted == admission::accepted && (table[2] & message_envelope) != 0;
    if (addressed && !engine.set_envelope(driver.envelopes + message * envelope_words)) admitted = admission::rejected;
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

napi_value submit(napi_env env, napi_callback_info info) {
  hot<1> given(env, info);
  const uint32_t* control = given.valid() ? given.instance().control().get() : nullptr;
  if (control == nullptr) return given.refuse("submit: wrong arguments");
  uint32_t messages = control[1];
  uint32_t mode = control[2];
  segment_source segments = {given[0], control[3] == 0};
  driver_reference found = find_driver(given.instance(), control[0]);
  if (found.driver == nullptr) return given.refuse("submit: the driver is closed");
  if (messages > found.driver->table_words / table_words) return given.refuse("submit: more messages than the table holds");
  send_engine& engine = found.ring->engine();
  if (!segments.is_array && (messages != 1 || found.driver->table[1] != 1)) return given.refuse("submit: one segment is one message");
  const char* wrong = submit_messages(env, engine, *found.driver, found.driver->table, messages, segments, mode != mode_hold);
  engine.end_batch();
  uint32_t events = 0;
  if (mode != mode_hold) engine.flush(found.driver);
  if (mode == mode_enter_and_reap && wrong == nullptr) events = found.ring->reap(false);
  found.ring->follow_engine(mode == mode_enter);
  return wrong != nullptr ? given.refuse(wrong) : given.number(static_cast<int32_t>(events));
}

napi_value flush(napi_env env, napi_callback_info info) {
  hot<3> given(env, info);
  uint32_t handle = given.uint32(0);
  uint32_t asking = given.uint32(1);
  bool reap = given.boolean(2);
  if (!given.valid()) return given.refuse("flush: wrong arguments");
  attached_ring* ring = given.instance().find_ring(handle);
  if (ring == nullptr) return given.number(0);
  ring->engine().flush(find_driver(given.instance(), asking).driver);
  uint32_t events = reap ? ring->reap(false) : 0;
  ring->follow_engine(!reap);
  return given.number(static_cast<int32_t>(events));
}

napi_value collect(napi_env env, napi_callback_info info) {
  hot<2> given(env, info);
  uint32_t handle = given.uint32(0);
  uint32_t asking = given.uint32(1);
  if (!given.valid()) return given.refuse("collect: wrong arguments");
  attached_ring* ring = given.instance().find_ring(handle);
  if (ring == nullptr) return given.number(0);
  driver_slot* driver = find_driver(given.instance(), asking).driver;
  ring->engine().collect(driver);
  uint32_t events = ring->reap(driver == nullptr);
  ring->follow_engine();
  return given.number(static_cast<int32_t>(events));
}

namespace {

// Changes the wake-ups of a driver by `change`, a method of the engine.
template <auto change>
napi_value change_armed(napi_env env, napi_callback_info info, const char* refusal) {
  hot<2> given(env, info);
  uint32_t handle = given.uint32(0);
  uint32_t bits = given.uint32(1);
  if (!given.valid()) return given.refuse(refusal);
  driver_reference found = find_driver(given.instance(), handle);
  if (found.driver == nullptr) return nullptr;
  (found.ring->engine().*change)(*found.driver, bits);
  found.ring->follow_engine();
  return nullptr;
}

}  // namespace

napi_value arm(napi_env env, napi_callback_info info) { return change_armed<&send_engine::arm>(env, info, "arm: wrong arguments"); }

napi_value disarm(napi_env env, napi_callback_info info) {
  return change_armed<&send_engine::disarm>(env, info, "disarm: wrong arguments");
}

}  // namespace sendzc
