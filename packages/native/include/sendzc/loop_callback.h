// A JavaScript function that is called from the event loop, with one number.
#pragma once

#include <napi.h>

#include <cstdint>

namespace sendzc {

class loop_callback {
 public:
  bool is_set() const { return function_ != nullptr; }
  // False where Node-API refuses. `resource` is the type that async_hooks see.
  bool set(Napi::Env env, const char* resource, Napi::Value function) {
    env_ = env;
    napi_value name = nullptr;
    return napi_create_string_utf8(env, resource, NAPI_AUTO_LENGTH, &name) == napi_ok &&
           napi_async_init(env, nullptr, name, &context_) == napi_ok && napi_create_reference(env, function, 1, &function_) == napi_ok;
  }

  // An exception of the function becomes an uncaught exception of the application. In a worker that is being terminated there is none to
  // report.
  void call(uint32_t number) const {
    napi_handle_scope scope = nullptr;
    if (function_ == nullptr || napi_open_handle_scope(env_, &scope) != napi_ok) return;
    napi_value function = nullptr;
    napi_value receiver = nullptr;
    napi_value argument = nullptr;
    if (napi_get_reference_value(env_, function_, &function) == napi_ok && function != nullptr &&
        napi_get_global(env_, &receiver) == napi_ok && napi_create_uint32(env_, number, &argument) == napi_ok &&
        napi_make_callback(env_, context_, receiver, function, 1, &argument, nullptr) == napi_pending_exception) {
      napi_value error = nullptr;
      if (napi_get_and_clear_last_exception(env_, &error) == napi_ok) napi_fatal_exception(env_, error);
    }
    napi_close_handle_scope(env_, scope);
  }
  // The end of an environment deletes no reference of an addon: the addon does.
  void forget() {
    if (function_ != nullptr) napi_delete_reference(env_, function_);
    if (context_ != nullptr) napi_async_destroy(env_, context_);
    function_ = nullptr;
    context_ = nullptr;
  }

 private:
  napi_env env_ = nullptr;
  napi_ref function_ = nullptr;
  napi_async_context context_ = nullptr;
};

}  // namespace sendzc
