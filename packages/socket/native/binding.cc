// The addon: one instance per environment, and its functions.
#include <napi.h>
#include <sendzc/env_instance.h>
#include <uv.h>

#include <string>

#include "binding_arguments.h"
#include "environment.h"

namespace sendzc {

void environment::begin_teardown(void (*done)(void*), void* context) {
  receivers.clear();
  page_senders.clear();
  on_ready.forget();
  poll.close(done, context);
}

namespace {

void call_on_ready(void* instance, uint32_t id) { static_cast<environment*>(instance)->on_ready.call(id); }

Napi::Object fail(Napi::Env env, Napi::Object exports, const std::string& message) {
  if (!env.IsExceptionPending()) Napi::Error::New(env, "sendzc_socket: " + message).ThrowAsJavaScriptException();
  return exports;
}

Napi::Object initialize_addon(Napi::Env env, Napi::Object exports) {
  auto* instance = new environment;
  uv_loop_t* loop = nullptr;
  int result = napi_get_uv_event_loop(env, &loop) == napi_ok ? 0 : UV_EINVAL;
  if (result == 0) result = instance->poll.open(loop, call_on_ready, instance);
  // Installed also after a failure, so that an opened poll is closed with the environment.
  if (!env_instance<environment>::install(env, instance)) return fail(env, exports, "Node-API refuses the instance");
  if (result != 0) return fail(env, exports, std::string("no event loop: ") + uv_strerror(result));
  if (!export_socket_functions(env, exports) || !export_receiver_functions(env, exports) || !export_page_sender_functions(env, exports) ||
      !export_process_functions(env, exports)) {
    return fail(env, exports, "Node-API refuses the exports");
  }
  return exports;
}

}  // namespace

}  // namespace sendzc

using sendzc::initialize_addon;
NODE_API_MODULE(sendzc_socket, initialize_addon)
