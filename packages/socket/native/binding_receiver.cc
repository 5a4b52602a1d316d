// JavaScript's view of receiver and pattern.
#include <errno.h>
#include <sendzc/env_instance.h>

#include "addon_instance.h"
#include "binding_values.h"

namespace sendzc {
namespace {

napi_value mismatch_value(napi_env env, const mismatch& found, uint64_t unit) {
  object_builder answer(env);
  answer.number("offset", static_cast<double>(found.offset))
      .number("expected", found.expected)
      .number("got", found.got)
      .boolean("looksPoisoned", found.looks_poisoned);
  if (unit == UINT64_MAX) {
    answer.null("unit");
  } else {
    answer.number("unit", static_cast<double>(unit));
  }
  return answer.finish();
}

napi_value totals_value(napi_env env, int result, const receive_totals& totals) {
  object_builder answer(env);
  auto count = [&](const char* name, uint64_t value) { answer.number(name, static_cast<double>(value)); };
  answer.number("result", result);
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
  answer.number("seconds", static_cast<double>(totals.last_ns - totals.first_ns) / 1e9);
  answer.boolean("paused", totals.paused).boolean("drained", totals.drained);
  answer.number("error", totals.error).string("errorCall", totals.error_call);
  if (totals.has_mismatch) {
    answer.value("firstMismatch", mismatch_value(env, totals.first_mismatch, totals.first_mismatch_unit));
  } else {
    answer.null("firstMismatch");
  }
  return answer.finish();
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
  auto* instance = env_instance<addon_instance>::get(info.Env());
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
  object_builder answer(info.Env());
  answer.number("result", result == 0 ? id : result).string("call", call).number("eventFd", event_fd);
  return to_value(info, answer.finish());
}

receiver* find_receiver(const Napi::CallbackInfo& info, value_reader& reader) {
  uint32_t id = reader.uint32(info[0], "receiver");
  if (!reader.ok()) return nullptr;
  auto& receivers = env_instance<addon_instance>::get(info.Env())->receivers;
  auto entry = receivers.find(id);
  if (entry != receivers.end()) return entry->second.get();
  napi_throw_error(info.Env(), nullptr, "sendzc_socket: no such receiver");
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
  size_t erased = env_instance<addon_instance>::get(info.Env())->receivers.erase(id);
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
  object_builder answer(info.Env());
  answer.number("verifyErrors", static_cast<double>(differing));
  if (differing == 0) {
    answer.null("firstMismatch");
  } else {
    answer.value("firstMismatch", mismatch_value(info.Env(), first, 0));
  }
  return to_value(info, answer.finish());
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
