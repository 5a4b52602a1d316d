// JavaScript's view of cpu_affinity.
#include "binding_values.h"
#include "cpu_affinity.h"

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
  napi_value list = nullptr;
  if (napi_create_array_with_length(info.Env(), cpus.size(), &list) != napi_ok) return to_value(info, nullptr);
  for (uint32_t i = 0; i < cpus.size(); i++) {
    napi_value cpu = nullptr;
    if (napi_create_uint32(info.Env(), cpus[i], &cpu) != napi_ok || napi_set_element(info.Env(), list, i, cpu) != napi_ok) {
      return to_value(info, nullptr);
    }
  }
  return to_value(info, list);
}

}  // namespace

bool export_process_functions(Napi::Env env, Napi::Object exports) {
  return export_function(env, exports, "pinThread", with_cpus<pin_thread>) &&
         export_function(env, exports, "pinProcess", with_cpus<pin_process>) &&
         export_function(env, exports, "allowedCpus", list_allowed_cpus);
}

}  // namespace sendzc
