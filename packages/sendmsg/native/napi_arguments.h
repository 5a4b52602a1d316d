// Reads the arguments of a call from JavaScript. The caller is src/native.ts and nothing else, so a wrong type is a fault in this
// package: it is refused without a message of its own.
#pragma once

#include <node_api.h>

#include <cstddef>
#include <cstdint>

#include "environment.h"

namespace sendzc {

template <size_t Count>
class arguments {
 public:
  arguments(napi_env env, napi_callback_info info) : env_(env) {
    size_t given = Count;
    void* data = nullptr;
    valid_ = napi_get_cb_info(env, info, &given, values_, nullptr, &data) == napi_ok && given >= Count;
    home_ = static_cast<environment*>(data);
  }

  environment* home() const { return home_; }
  bool valid() const { return valid_; }
  napi_value operator[](size_t at) const { return values_[at]; }

  int32_t int32(size_t at) {
    int32_t value = 0;
    valid_ = valid_ && napi_get_value_int32(env_, values_[at], &value) == napi_ok;
    return value;
  }
  bool boolean(size_t at) {
    bool value = false;
    valid_ = valid_ && napi_get_value_bool(env_, values_[at], &value) == napi_ok;
    return value;
  }
  // The words of a typed array of `type` with at least `minimum` elements.
  template <typename Word>
  Word* words(size_t at, napi_typedarray_type type, size_t minimum) {
    napi_typedarray_type actual = napi_uint8_array;
    size_t length = 0;
    void* data = nullptr;
    valid_ = valid_ && napi_get_typedarray_info(env_, values_[at], &actual, &length, &data, nullptr, nullptr) == napi_ok &&
             actual == type && length >= minimum;
    return valid_ ? static_cast<Word*>(data) : nullptr;
  }
  // The driver that the handle in `at` names; null, and not valid, where it was closed.
  driver* opened(size_t at) {
    int32_t handle = int32(at);
    driver* found = valid_ ? home_->find(handle) : nullptr;
    valid_ = found != nullptr;
    return found;
  }

  napi_value refuse() const {
    bool pending = false;
    napi_is_exception_pending(env_, &pending);
    if (!pending) napi_throw_type_error(env_, nullptr, "sendzc_sendmsg: wrong argument, or a driver that is closed");
    return nullptr;
  }
  napi_value number(int32_t value) const {
    napi_value result = nullptr;
    napi_create_int32(env_, value, &result);
    return result;
  }
  napi_value number(int64_t value) const {
    napi_value result = nullptr;
    napi_create_int64(env_, value, &result);
    return result;
  }

 private:
  napi_env env_;
  napi_value values_[Count] = {};
  environment* home_ = nullptr;
  bool valid_ = false;
};

}  // namespace sendzc
