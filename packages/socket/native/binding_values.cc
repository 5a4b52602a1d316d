#include "binding_values.h"

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
    bool pending = false;
    if (napi_is_exception_pending(env_, &pending) == napi_ok && !pending) {
      napi_throw_type_error(env_, nullptr, message.c_str());
    }
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

object_builder::object_builder(napi_env env) : env_(env), ok_(napi_create_object(env, &object_) == napi_ok) {}

// By reference, for arguments are evaluated in any order.
void object_builder::set(const char* name, napi_status made, const napi_value& value) {
  ok_ = ok_ && made == napi_ok && napi_set_named_property(env_, object_, name, value) == napi_ok;
}

object_builder& object_builder::number(const char* name, double number) {
  napi_value value = nullptr;
  set(name, napi_create_double(env_, number, &value), value);
  return *this;
}

object_builder& object_builder::boolean(const char* name, bool boolean) {
  napi_value value = nullptr;
  set(name, napi_get_boolean(env_, boolean, &value), value);
  return *this;
}

object_builder& object_builder::string(const char* name, const std::string& text) {
  napi_value value = nullptr;
  set(name, napi_create_string_utf8(env_, text.data(), text.size(), &value), value);
  return *this;
}

object_builder& object_builder::bytes(const char* name, const void* data, size_t size) {
  napi_value buffer = nullptr;
  napi_value value = nullptr;
  void* memory = nullptr;
  napi_status made = napi_create_arraybuffer(env_, size, &memory, &buffer);
  if (made == napi_ok && size > 0) memcpy(memory, data, size);
  if (made == napi_ok) made = napi_create_typedarray(env_, napi_uint8_array, size, buffer, 0, &value);
  set(name, made, value);
  return *this;
}

object_builder& object_builder::value(const char* name, napi_value value) {
  set(name, value == nullptr ? napi_generic_failure : napi_ok, value);
  return *this;
}

object_builder& object_builder::null(const char* name) {
  napi_value value = nullptr;
  set(name, napi_get_null(env_, &value), value);
  return *this;
}

Napi::Value to_value(const Napi::CallbackInfo& info, napi_value value) {
  if (value != nullptr) return {info.Env(), value};
  bool pending = false;
  if (napi_is_exception_pending(info.Env(), &pending) == napi_ok && !pending) {
    napi_throw_error(info.Env(), nullptr, "sendzc_socket: Node-API could not make the result");
  }
  return {};
}

Napi::Value to_value(const Napi::CallbackInfo& info, int number) {
  napi_value value = nullptr;
  if (napi_create_int32(info.Env(), number, &value) != napi_ok) value = nullptr;
  return to_value(info, value);
}

bool export_function(Napi::Env env, Napi::Object exports, const char* name, Napi::Value (*function)(const Napi::CallbackInfo&)) {
  napi_value made = Napi::Function::New(env, function, name);
  return made != nullptr && napi_set_named_property(env, exports, name, made) == napi_ok;
}

}  // namespace sendzc
