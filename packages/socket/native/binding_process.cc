// JavaScript's view of cpu_affinity and perf_counter.
#include "binding_arguments.h"
#include "cpu_affinity.h"
#include "perf_counter.h"

namespace sendzc {
namespace {

using pin_function = int (*)(const std::vector<uint32_t>&);

template <pin_function function>
Napi::Value with_cpus(const Napi::CallbackInfo& info) {
  value_reader reader(info.Env());
  std::vector<uint32_t> cpus = reader.uint32_list(info[0], "cpus");
  return reader.ok() ? to_value(info, function(cpus)) : Napi::Value();
}

Napi::Value list_allowed_cpus(const Napi::CallbackInfo& info) {
  std::vector<uint32_t> cpus;
  int result = allowed_cpus(cpus);
  if (result != 0) return to_value(info, result);
  Napi::Array list = Napi::Array::New(info.Env(), cpus.size());
  for (uint32_t i = 0; i < cpus.size(); i++) list.Set(i, cpus[i]);
  return to_value(info, list);
}

Napi::Value open_counter(const Napi::CallbackInfo& info) {
  value_reader reader(info.Env());
  auto event = static_cast<perf_event>(reader.uint32(info[0], "event"));
  int32_t thread = reader.int32(info[1], "thread");
  int32_t cpu = reader.int32(info[2], "cpu");
  return reader.ok() ? to_value(info, open_perf_counter(event, thread, cpu)) : Napi::Value();
}

Napi::Value read_counter(const Napi::CallbackInfo& info) {
  value_reader reader(info.Env());
  int32_t fd = reader.int32(info[0], "fd");
  if (!reader.ok()) return Napi::Value();
  double value = 0;
  int result = read_perf_counter(fd, value);
  return result != 0 ? to_value(info, result) : Napi::Number::New(info.Env(), value);
}

}  // namespace

bool export_process_functions(Napi::Env env, Napi::Object exports) {
  return export_function(env, exports, "pinThread", with_cpus<pin_thread>) &&
         export_function(env, exports, "pinProcess", with_cpus<pin_process>) &&
         export_function(env, exports, "allowedCpus", list_allowed_cpus) &&
         export_function(env, exports, "openPerfCounter", open_counter) && export_function(env, exports, "readPerfCounter", read_counter);
}

}  // namespace sendzc
