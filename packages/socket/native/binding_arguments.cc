#include "binding_arguments.h"

#include <cmath>
#include <cstring>

namespace sendzc {
namespace {

constexpr double max_safe_integer = 9007199254740991.0;
// Longer than any host name, interface name or address.
constexpr size_t max_string_bytes = 1024;

}  // namespace

void value_reader::fail(const char* name, const char* expected) {
  if (ok_) {
    std::string message = std::string("sendzc_socket: ") + name + " must be " + expected;
    if (!env_.IsExceptionPending()) Napi::TypeError::New(env_, message).ThrowAsJavaScriptException();
  }
  ok_ = false;
}

uint64_t value_reader::safe_integer(napi_value value, const char* name) {
  double number = -1;
  if (!ok_) return 0;
  if (napi_get_value_double(env_, value, &number) != napi_ok || !(number >= 0 && number <= max_safe_integer) ||
      number != std::floor(number)) {
    fail(name, "an integer from 0 to 2^53 - 1");
    return 0;
  }
  return static_cast<uint64_t>(number);
}

uint32_t value_reader::uint32(napi_value value, const char* name) {
  uint64_t number = safe_integer(value, name);
  if (number > UINT32_MAX) fail(name, "below 2^32");
  return ok_ ? static_cast<uint32_t>(number) : 0;
}

int32_t value_reader::int32(napi_value value, const char* name) {
  double number = 0;
  if (!ok_) return 0;
  if (napi_get_value_double(env_, value, &number) != napi_ok || !(number >= INT32_MIN && number <= INT32_MAX) ||
      number != std::floor(number)) {
    fail(name, "a 32-bit integer");
    return 0;
  }
  return static_cast<int32_t>(number);
}

bool value_reader::boolean(napi_value value, const char* name) {
  bool result = false;
  if (ok_ && napi_get_value_bool(env_, value, &result) != napi_ok) fail(name, "a boolean");
  return result;
}

std::string value_reader::string(napi_value value, const char* name) {
  char text[max_string_bytes];
  size_t size = 0;
  if (!ok_) return {};
  if (napi_get_value_string_utf8(env_, value, text, sizeof(text), &size) != napi_ok || memchr(text, 0, size) != nullptr) {
    fail(name, "a string without NUL");
    return {};
  }
  return {text, size};
}

uint8_t* value_reader::bytes(napi_value value, size_t& size, const char* name) {
  napi_typedarray_type type;
  void* data = nullptr;
  bool is_typed_array = false;
  size = 0;
  if (!ok_) return nullptr;
  if (napi_is_typedarray(env_, value, &is_typed_array) != napi_ok || !is_typed_array ||
      napi_get_typedarray_info(env_, value, &type, &size, &data, nullptr, nullptr) != napi_ok || type != napi_uint8_array) {
    fail(name, "a Uint8Array");
    size = 0;
  }
  return static_cast<uint8_t*>(data);
}

std::vector<uint32_t> value_reader::uint32_list(napi_value value, const char* name) {
  std::vector<uint32_t> numbers;
  uint32_t count = 0;
  if (ok_ && napi_get_array_length(env_, value, &count) != napi_ok) fail(name, "an array");
  for (uint32_t i = 0; ok_ && i < count; i++) {
    napi_value element = nullptr;
    if (napi_get_element(env_, value, i, &element) != napi_ok) fail(name, "readable");
    numbers.push_back(uint32(element, name));
  }
  return numbers;
}

napi_value value_reader::property(napi_value object, const char* name) {
  napi_value value = nullptr;
  if (ok_ && napi_get_named_property(env_, object, name, &value) != napi_ok) fail(name, "a property");
  return value;
}

Napi::Value to_value(const Napi::CallbackInfo& info, int number) { return Napi::Number::New(info.Env(), number); }

Napi::Value to_value(const Napi::CallbackInfo& info, Napi::Object made) { return info.Env().IsExceptionPending() ? Napi::Value() : made; }

bool export_function(Napi::Env env, Napi::Object exports, const char* name, Napi::Value (*function)(const Napi::CallbackInfo&)) {
  exports.Set(name, Napi::Function::New(env, function, name));
  return !env.IsExceptionPending();
}

}  // namespace sendzc
