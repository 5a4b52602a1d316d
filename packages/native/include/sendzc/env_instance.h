// One instance of addon state per Node.js environment; the main thread and each worker have their own. The environment waits for the
// addon's libuv handles to close, because an open one would abort a worker that is being terminated.
#pragma once

#include <node_api.h>

namespace sendzc {

// `Instance` has `void begin_teardown(void (*done)(void*), void* context)`. It closes its handles, deals with memory in flight, and calls
// `done` exactly once. `done` deletes the instance.
template <typename Instance>
class env_instance {
 public:
  // Takes ownership of `instance`. Returns false where Node-API refuses; the instance is deleted then.
  static bool install(napi_env env, Instance* instance) {
    auto* self = new env_instance(instance);
    if (napi_set_instance_data(env, instance, nullptr, nullptr) != napi_ok ||
        napi_add_async_cleanup_hook(env, on_cleanup, self, &self->hook_) != napi_ok) {
      delete instance;
      delete self;
      return false;
    }
    return true;
  }

  static Instance* get(napi_env env) {
    void* data = nullptr;
    return napi_get_instance_data(env, &data) == napi_ok ? static_cast<Instance*>(data) : nullptr;
  }

 private:
  explicit env_instance(Instance* instance) : instance_(instance) {}

  static void on_cleanup(napi_async_cleanup_hook_handle, void* data) {
    auto* self = static_cast<env_instance*>(data);
    self->instance_->begin_teardown(on_done, self);
  }
  static void on_done(void* data) {
    auto* self = static_cast<env_instance*>(data);
    delete self->instance_;
    napi_remove_async_cleanup_hook(self->hook_);
    delete self;
  }

  Instance* instance_;
  napi_async_cleanup_hook_handle hook_ = nullptr;
};

}  // namespace sendzc
