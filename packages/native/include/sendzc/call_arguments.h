// The arguments of a call from JavaScript. Only the addon's own src/native.ts makes such calls, so a wrong argument is a fault of that
// package. The answer is a TypeError, never undefined behaviour.
//
// The calls of every batch read them with hot_arguments, which is plain Node-API. All other calls use cold_arguments, over node-addon-api.
#pragma once

#include <napi.h>

#include <cstddef>
#include <cstdint>
#include <type_traits>

namespace sendzc {

// The elements of a typed array.
template <typename Element>
struct elements_view {
  Element* data = nullptr;
  size_t length = 0;
  Element& operator[](size_t at) const { return data[at]; }
};

template <typename Element>
constexpr napi_typedarray_type array_type_of() {
  static_assert(std::is_same_v<Element, uint8_t> || std::is_same_v<Element, int32_t> || std::is_same_v<Element, uint32_t> ||
                std::is_same_v<Element, double>);
  if (std::is_same_v<Element, uint8_t>) return napi_uint8_array;
  if (std::is_same_v<Element, int32_t>) return napi_int32_array;
  return std::is_same_v<Element, uint32_t> ? napi_uint32_array : napi_float64_array;
}

// The reading that both kinds of arguments share. After a wrong argument valid() is false, and every later one reads as 0.
template <typename Arguments, typename Environment>
class argument_reader {
 public:
  bool valid() const { return valid_; }
  // The environment given when the function was made.
  Environment& instance() const { return *static_cast<Environment*>(instance_); }

  int32_t int32(size_t at) {
    int32_t value = 0;
    valid_ = valid_ && napi_get_value_int32(env_, self()[at], &value) == napi_ok;
    return value;
  }
  uint32_t uint32(size_t at) {
    uint32_t value = 0;
    valid_ = valid_ && napi_get_value_uint32(env_, self()[at], &value) == napi_ok;
    return value;
  }
  int64_t int64(size_t at) {
    int64_t value = 0;
    valid_ = valid_ && napi_get_value_int64(env_, self()[at], &value) == napi_ok;
    return value;
  }
  bool boolean(size_t at) {
    bool value = false;
    valid_ = valid_ && napi_get_value_bool(env_, self()[at], &value) == napi_ok;
    return value;
  }
  // A typed array of that element type, with at least `minimum` elements.
  template <typename Element>
  elements_view<Element> elements(size_t at, size_t minimum) {
    napi_typedarray_type type = napi_int8_array;
    size_t length = 0;
    void* data = nullptr;
    valid_ = valid_ && napi_get_typedarray_info(env_, self()[at], &type, &length, &data, nullptr, nullptr) == napi_ok &&
             type == array_type_of<Element>() && length >= minimum;
    return valid_ ? elements_view<Element>{static_cast<Element*>(data), length} : elements_view<Element>{};
  }

 protected:
  explicit argument_reader(napi_env env) : env_(env) {}

  napi_env env_;
  void* instance_ = nullptr;
  bool valid_ = false;

 private:
  const Arguments& self() const { return static_cast<const Arguments&>(*this); }
};

// The first Count arguments of a call that is made for every batch.
template <typename Environment, size_t Count>
class hot_arguments : public argument_reader<hot_arguments<Environment, Count>, Environment> {
 public:
  hot_arguments(napi_env env, napi_callback_info info) : argument_reader<hot_arguments, Environment>(env) {
    size_t given = Count;
    this->valid_ = napi_get_cb_info(env, info, &given, values_, nullptr, &this->instance_) == napi_ok && given >= Count;
  }

  napi_value operator[](size_t at) const { return values_[at]; }

  napi_value number(int32_t value) const {
    napi_value result = nullptr;
    napi_create_int32(this->env_, value, &result);
    return result;
  }
  // Answers with a TypeError, unless an exception is pending.
  napi_value refuse(const char* message) const {
    bool pending = false;
    if (napi_is_exception_pending(this->env_, &pending) == napi_ok && !pending) napi_throw_type_error(this->env_, nullptr, message);
    return nullptr;
  }

 private:
  napi_value values_[Count] = {};
};

// The arguments of every other call: at least `count`.
template <typename Environment>
class cold_arguments : public argument_reader<cold_arguments<Environment>, Environment> {
 public:
  cold_arguments(const Napi::CallbackInfo& info, size_t count) : argument_reader<cold_arguments, Environment>(info.Env()), info_(info) {
    this->instance_ = info.Data();
    this->valid_ = info.Length() >= count;
  }

  Napi::Value operator[](size_t at) const { return info_[at]; }

  template <typename Number>
  Napi::Value number(Number value) const {
    return Napi::Number::New(info_.Env(), static_cast<double>(value));
  }
  Napi::Value refuse(const char* message) const {
    if (!info_.Env().IsExceptionPending()) Napi::TypeError::New(info_.Env(), message).ThrowAsJavaScriptException();
    return {};
  }

 private:
  const Napi::CallbackInfo& info_;
};

// Adds a function to the exports. Its arguments answer instance() with `instance`.
template <Napi::Value (*function)(const Napi::CallbackInfo&)>
void export_cold(Napi::Object exports, const char* name, void* instance) {
  exports.Set(name, Napi::Function::New<function>(exports.Env(), name, instance));
}
inline void export_hot(Napi::Object exports, const char* name, napi_callback function, void* instance) {
  napi_value made = nullptr;
  if (napi_create_function(exports.Env(), name, NAPI_AUTO_LENGTH, function, instance, &made) == napi_ok) exports.Set(name, made);
}

}  // namespace sendzc
