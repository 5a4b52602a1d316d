// The arguments and answers of this addon's functions: each value is checked before it is converted, and each failure is reported.
#pragma once

#include <napi.h>

#include <cstdint>
#include <string>
#include <vector>

namespace sendzc {

// Reads arguments or properties one after another. After a wrong one, ok() is false and a TypeError that names it is pending.
class value_reader {
 public:
  explicit value_reader(Napi::Env env) : env_(env) {}

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

  Napi::Env env_;
  bool ok_ = true;
};

Napi::Value to_value(const Napi::CallbackInfo& info, int number);
// Empty where an exception is pending.
Napi::Value to_value(const Napi::CallbackInfo& info, Napi::Object made);

// Registers the functions of each part; false with an exception pending.
bool export_function(Napi::Env env, Napi::Object exports, const char* name, Napi::Value (*function)(const Napi::CallbackInfo&));
bool export_socket_functions(Napi::Env env, Napi::Object exports);
bool export_receiver_functions(Napi::Env env, Napi::Object exports);
bool export_page_sender_functions(Napi::Env env, Napi::Object exports);
bool export_process_functions(Napi::Env env, Napi::Object exports);

}  // namespace sendzc
