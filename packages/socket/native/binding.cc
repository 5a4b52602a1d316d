// The addon's entry: one instance per environment, and its functions.
#include <napi.h>
#include <sendzc/env_instance.h>
#include <uv.h>

#include <string>

#include "addon_instance.h"
#include "binding_values.h"

namespace sendzc {

void addon_instance::call_on_ready(void* data, uint32_t id) {
  auto* self = static_cast<addon_instance*>(data);
  napi_handle_scope scope = nullptr;
  if (self->on_ready == nullptr || napi_open_handle_scope(self->env, &scope) != napi_ok) return;
  napi_value function = nullptr;
  napi_value receiver_object = nullptr;
  napi_value argument = nullptr;
  if (napi_get_reference_value(self->env, self->on_ready, &function) == napi_ok && function != nullptr &&
      napi_get_global(self->env, &receiver_object) == napi_ok && napi_create_uint32(self->env, id, &argument) == napi_ok &&
      napi_make_callback(self->env, nullptr, receiver_object, function, 1, &argument, nullptr) == napi_pending_exception) {
    napi_value error = nullptr;
    if (napi_get_and_clear_last_exception(self->env, &error) == napi_ok) napi_fatal_exception(self->env, error);
  }
  napi_close_handle_scope(self->env, scope);
}

void addon_instance::begin_teardown(void (*done)(void*), void* context) {
  receivers.clear();
  page_senders.clear();
  poll.close(done, context);
}

}  // namespace sendzc

namespace {

Napi::Object init(Napi::Env env, Napi::Object exports) {
  auto* instance = new sendzc::addon_instance;
  instance->env = env;
  uv_loop_t* loop = nullptr;
  int result = napi_get_uv_event_loop(env, &loop) == napi_ok ? 0 : UV_EINVAL;
  if (result == 0) result = instance->poll.open(loop, sendzc::addon_instance::call_on_ready, instance);
  // Installed also after a failure, so that what was opened is closed with the environment.
  if (!sendzc::env_instance<sendzc::addon_instance>::install(env, instance)) {
    napi_throw_error(env, nullptr, "sendzc_socket: Node-API refuses the instance");
    return exports;
  }
  if (result != 0) {
    std::string message = std::string("sendzc_socket: no event loop: ") + uv_strerror(result);
    napi_throw_error(env, nullptr, message.c_str());
    return exports;
  }
  if (!sendzc::export_socket_functions(env, exports) || !sendzc::export_receiver_functions(env, exports) ||
      !sendzc::export_page_sender_functions(env, exports) || !sendzc::export_process_functions(env, exports)) {
    napi_throw_error(env, nullptr, "sendzc_socket: Node-API refuses the exports");
  }
  return exports;
}

}  // namespace

NODE_API_MODULE(sendzc_socket, init)
