// JavaScript's view of receiver and pattern.
#include <errno.h>
#include <sendzc/env_instance.h>

#include "binding_arguments.h"
#include "environment.h"

namespace sendzc {
namespace {

Napi::Object mismatch_value(Napi::Env env, const mismatch& found, uint64_t unit) {
  Napi::Object answer = Napi::Object::New(env);
  answer.Set("offset", static_cast<double>(found.offset));
  answer.Set("expected", found.expected);
  answer.Set("got", found.got);
  answer.Set("looksPoisoned", found.looks_poisoned);
  answer.Set("unit", unit == UINT64_MAX ? env.Null() : Napi::Number::New(env, static_cast<double>(unit)));
  return answer;
}

Napi::Object totals_value(Napi::Env env, int result, const receive_totals& totals) {
  Napi::Object answer = Napi::Object::New(env);
  auto count = [&](const char* name, uint64_t value) { answer.Set(name, static_cast<double>(value)); };
  answer.Set("result", result);
  count("bytes", totals.bytes);
  count("datagrams", totals.datagrams);
  count("readCalls", totals.read_calls);
  count("wakes", totals.wakes);
  count("droppedDatagrams", totals.dropped_datagrams);
  count("connectionsAccepted", totals.connections_accepted);
  count("connectionsOpen", totals.connections_open);
  count("connectionsClosed", totals.connections_closed);
  count("connectionsReset", totals.connections_reset);
  count("verifyErrors", totals.verify_errors);
  count("outOfOrder", totals.out_of_order);
  count("nextSequence", totals.next_sequence);
  count("cpuUserUs", totals.cpu_user_us);
  count("cpuSystemUs", totals.cpu_system_us);
  answer.Set("seconds", static_cast<double>(totals.last_ns - totals.first_ns) / 1e9);
  answer.Set("paused", totals.paused);
  answer.Set("drained", totals.drained);
  answer.Set("error", totals.error);
  answer.Set("errorCall", totals.error_call);
  answer.Set("firstMismatch",
             totals.has_mismatch ? mismatch_value(env, totals.first_mismatch, totals.first_mismatch_unit) : Napi::Value(env.Null()));
  return answer;
}

Napi::Value start_receiver(const Napi::CallbackInfo& info) {
  value_reader reader(info.Env());
  receiver_options options;
  unique_fd fd(reader.int32(info[0], "fd"));
  napi_value object = info[1];
  auto get = [&](const char* name) { return reader.property(object, name); };
  options.kind = static_cast<receive_kind>(reader.int32(get("kind"), "kind"));
  options.verify = reader.boolean(get("verify"), "verify");
  options.seed = reader.safe_integer(get("seed"), "seed");
  options.max_connections = reader.uint32(get("maxConnections"), "maxConnections");
  options.wake_bytes = reader.uint32(get("wakeBytes"), "wakeBytes");
  options.coalesce_us = reader.uint32(get("coalesceUs"), "coalesceUs");
  auto* instance = env_instance<environment>::get(info.Env());
  if (!reader.ok()) {
    fd.release();
    return {};
  }
  const char* call = "maxReceivers";
  int result = -EMFILE;
  double event_fd = -1;
  uint32_t id = instance->next_receiver;
  if (instance->receivers.size() < max_receivers) {
    std::unique_ptr<receiver> started;
    result = receiver::start(std::move(fd), options, started, call);
    if (result == 0) {
      event_fd = started->event_fd();
      instance->receivers[instance->next_receiver++] = std::move(started);
    }
  }
  Napi::Object answer = Napi::Object::New(info.Env());
  answer.Set("result", result == 0 ? static_cast<int>(id) : result);
  answer.Set("call", call);
  answer.Set("eventFd", event_fd);
  return to_value(info, answer);
}

receiver* find_receiver(const Napi::CallbackInfo& info, value_reader& reader) {
  uint32_t id = reader.uint32(info[0], "receiver");
  if (!reader.ok()) return nullptr;
  auto& receivers = env_instance<environment>::get(info.Env())->receivers;
  auto entry = receivers.find(id);
  if (entry != receivers.end()) return entry->second.get();
  Napi::Error::New(info.Env(), "sendzc_socket: no such receiver").ThrowAsJavaScriptException();
  return nullptr;
}

Napi::Value command_receiver(const Napi::CallbackInfo& info) {
  value_reader reader(info.Env());
  receiver* found = find_receiver(info, reader);
  if (found == nullptr) return {};
  auto command = static_cast<receiver_command>(reader.int32(info[1], "command"));
  receive_target target;
  target.bytes = reader.safe_integer(info[2], "bytes");
  target.datagrams = reader.safe_integer(info[3], "datagrams");
  target.connections_accepted = reader.safe_integer(info[4], "connectionsAccepted");
  target.connections_ended = reader.safe_integer(info[5], "connectionsEnded");
  if (!reader.ok()) return {};
  receive_totals totals;
  int result = found->run(command, target, totals);
  return to_value(info, totals_value(info.Env(), result, totals));
}

Napi::Value free_receiver(const Napi::CallbackInfo& info) {
  value_reader reader(info.Env());
  uint32_t id = reader.uint32(info[0], "receiver");
  if (!reader.ok()) return {};
  size_t erased = env_instance<environment>::get(info.Env())->receivers.erase(id);
  return to_value(info, erased == 1 ? 0 : -ENOENT);
}

Napi::Value fill_pattern_bytes(const Napi::CallbackInfo& info) {
  value_reader reader(info.Env());
  size_t size = 0;
  uint8_t* memory = reader.bytes(info[0], size, "buffer");
  uint64_t seed = reader.safe_integer(info[1], "seed");
  uint64_t offset = reader.safe_integer(info[2], "offset");
  if (!reader.ok()) return {};
  fill_pattern(memory, size, seed, offset);
  return to_value(info, 0);
}

Napi::Value fill_datagram_bytes(const Napi::CallbackInfo& info) {
  value_reader reader(info.Env());
  size_t size = 0;
  uint8_t* memory = reader.bytes(info[0], size, "buffer");
  uint64_t seed = reader.safe_integer(info[1], "seed");
  uint64_t sequence = reader.safe_integer(info[2], "sequence");
  if (!reader.ok()) return {};
  if (size < datagram_header::bytes || size > datagram_header::stride) return to_value(info, -EMSGSIZE);
  fill_datagram(memory, size, seed, sequence);
  return to_value(info, 0);
}

Napi::Value verify_pattern_bytes(const Napi::CallbackInfo& info) {
  value_reader reader(info.Env());
  size_t size = 0;
  uint8_t* memory = reader.bytes(info[0], size, "buffer");
  uint64_t seed = reader.safe_integer(info[1], "seed");
  uint64_t offset = reader.safe_integer(info[2], "offset");
  if (!reader.ok()) return {};
  mismatch first;
  size_t differing = verify_pattern(memory, size, seed, offset, first);
  Napi::Object answer = Napi::Object::New(info.Env());
  answer.Set("verifyErrors", static_cast<double>(differing));
  answer.Set("firstMismatch", differing == 0 ? Napi::Value(info.Env().Null()) : mismatch_value(info.Env(), first, 0));
  return to_value(info, answer);
}

}  // namespace

bool export_receiver_functions(Napi::Env env, Napi::Object exports) {
  return export_function(env, exports, "startReceiver", start_receiver) &&
         export_function(env, exports, "commandReceiver", command_receiver) &&
         export_function(env, exports, "freeReceiver", free_receiver) && export_function(env, exports, "fillPattern", fill_pattern_bytes) &&
         export_function(env, exports, "fillDatagram", fill_datagram_bytes) &&
         export_function(env, exports, "verifyPattern", verify_pattern_bytes);
}

}  // namespace sendzc
