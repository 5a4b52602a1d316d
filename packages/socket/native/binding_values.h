// Between JavaScript values and C++: nothing is converted without a check, and no failure goes unseen.
#pragma once

#include <napi.h>

#include <cstdint>
#include <string>
#include <vector>

namespace sendzc {

// Reads arguments or properties one after another. After a wrong one, ok() is false and a TypeError that names it is pending.
class value_reader {
 public:
  explicit value_reader(napi_env env) : env_(env) {}

  bool ok() const { return ok_; }
  int32_t int32(napi_value value, const char* name);
  uint32_t uint32(napi_value value, const char* name);
  uint64_t safe_integer(napi_value value, const char* name);  // 0 .. 2^53 - 1
  bool boolean(napi_value value, const char* name);
  std::string string(napi_value value, const char* name);
  // The memory stays JavaScript's: use it before the call returns.
  uint8_t* bytes(napi_value value, size_t& size, const char* name);
  std::vector<uint32_t> uint32_list(napi_value value, const char* name);
  napi_value property(napi_value object, const char* name);

 private:
  void fail(const char* name, const char* expected);

  napi_env env_;
  bool ok_ = true;
};

// Builds a plain object. finish() is null where Node-API failed; an exception is pending then.
class object_builder {
 public:
  explicit object_builder(napi_env env);

  object_builder& number(const char* name, double value);
  object_builder& boolean(const char* name, bool value);
  object_builder& string(const char* name, const std::string& value);
  object_builder& bytes(const char* name, const void* data, size_t size);
  object_builder& value(const char* name, napi_value value);
  object_builder& null(const char* name);
  napi_value finish() const { return ok_ ? object_ : nullptr; }

 private:
  void set(const char* name, napi_status made, const napi_value& value);

  napi_env env_;
  napi_value object_ = nullptr;
  bool ok_;
};

Napi::Value to_value(const Napi::CallbackInfo& info, napi_value value);
Napi::Value to_value(const Napi::CallbackInfo& info, int number);

// Registers the functions of each part; false with an exception pending.
bool export_function(Napi::Env env, Napi::Object exports, const char* name, Napi::Value (*function)(const Napi::CallbackInfo&));
bool export_socket_functions(Napi::Env env, Napi::Object exports);
bool export_receiver_functions(Napi::Env env, Napi::Object exports);
bool export_page_sender_functions(Napi::Env env, Napi::Object exports);
bool export_process_functions(Napi::Env env, Napi::Object exports);

}  // namespace sendzc
