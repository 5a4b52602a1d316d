// Control words: the small arguments of a call that is made for every batch. JavaScript stores them in an array that it keeps, for each
// argument that is passed costs a call into Node.js.
#pragma once

#include <napi.h>

#include <cstddef>
#include <cstdint>

#include "pinned_buffer.h"

namespace sendzc {

class control_words {
 public:
  // The array, the same at each call; empty where Node-API refuses, and an exception is pending.
  Napi::Value array(Napi::Env env, size_t count) {
    if (words_ == nullptr) {
      Napi::Uint32Array made = Napi::Uint32Array::New(env, count);
      if (env.IsExceptionPending()) return {};
      // Pinned, so that not even a transfer frees it.
      pin_ = pin_array_buffer(made.ArrayBuffer());
      array_ = Napi::Persistent(made);
      words_ = made.Data();
    }
    return array_.Value();
  }
  // Null before the first array().
  const uint32_t* get() const { return words_; }
  // No environment frees on its own what was made for the addon's sake.
  void forget() { array_.Reset(); }

 private:
  const uint32_t* words_ = nullptr;
  memory_pin pin_;
  Napi::Reference<Napi::Uint32Array> array_;
};

}  // namespace sendzc
