// Arguments and results of the addon's functions. Wrong arguments are answered with an exception, never with undefined behaviour.
#pragma once

#include <node_api.h>

#include <cstddef>
#include <cstdint>

#include "environment.h"

namespace sendzc {

// The arguments of one call, and the instance that the function was made with.
template <size_t N>
class call_arguments {
 public:
  call_arguments(napi_env env, napi_callback_info info) : env_(env) {
    void* data = nullptr;
    size_t count = N;
    if (napi_get_cb_info(env, info, &count, values_, nullptr, &data) == napi_ok && count >= N) host_ = static_cast<environment*>(data);
  }

  // Null where arguments are missing.
  environment* host() const { return host_; }
  napi_value value(size_t at) const { return values_[at]; }
  bool number(size_t at, uint32_t& out) const { return napi_get_value_uint32(env_, values_[at], &out) == napi_ok; }
  bool number(size_t at, int32_t& out) const { return napi_get_value_int32(env_, values_[at], &out) == napi_ok; }
  bool flag(size_t at, bool& out) const { return napi_get_value_bool(env_, values_[at], &out) == napi_ok; }
  // The elements of a typed array of the given type.
  template <typename T>
  bool elements(size_t at, napi_typedarray_type type, T*& data, size_t& length) const {
    napi_typedarray_type found;
    void* memory = nullptr;
    if (napi_get_typedarray_info(env_, values_[at], &found, &length, &memory, nullptr, nullptr) != napi_ok || found != type) return false;
    data = static_cast<T*>(memory);
    return true;
  }

 private:
  napi_env env_;
  napi_value values_[N > 0 ? N : 1] = {};
  environment* host_ = nullptr;
};

inline napi_value integer(napi_env env, int32_t value) {
  napi_value result = nullptr;
  napi_create_int32(env, value, &result);
  return result;
}

inline napi_value misuse(napi_env env, const char* message) {
  napi_throw_type_error(env, nullptr, message);
  return nullptr;
}

// A driver is named by its generation, the place of its ring, and its index there: a name outlives its driver and means no other.
constexpr uint32_t driver_index_bits = 14;
constexpr uint32_t driver_generation_shift = driver_index_bits + environment::place_bits;

inline uint32_t driver_name(uint32_t ring, const driver_slot& driver) {
  return (driver.generation << driver_generation_shift) | (environment::place_of(ring) << driver_index_bits) | driver.index;
}
inline uint32_t index_of(uint32_t name) { return name & ((1u << driver_index_bits) - 1); }
inline uint32_t place_of(uint32_t name) { return (name >> driver_index_bits) & (environment::max_rings - 1); }
inline uint32_t generation_of(uint32_t name) { return name >> driver_generation_shift; }

struct driver_reference {
  ring_host* host = nullptr;
  driver_slot* driver = nullptr;
};

// Both or neither: a driver is found only while it is open.
inline driver_reference find_driver(environment& environment, uint32_t name) {
  driver_reference found;
  ring_host* host = environment.ring_at(place_of(name));
  if (host != nullptr) found.driver = host->engine().find(index_of(name), generation_of(name));
  if (found.driver != nullptr) found.host = host;
  return found;
}

// Hot functions: binding_send.cc.
napi_value submit(napi_env env, napi_callback_info info);
napi_value flush(napi_env env, napi_callback_info info);
napi_value collect(napi_env env, napi_callback_info info);
napi_value arm(napi_env env, napi_callback_info info);
napi_value disarm(napi_env env, napi_callback_info info);
napi_value set_referenced(napi_env env, napi_callback_info info);

}  // namespace sendzc
