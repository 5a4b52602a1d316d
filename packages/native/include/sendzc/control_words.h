// Control words: the small arguments of a call that is made for every batch. JavaScript stores them in an array that it keeps, because
// every passed argument costs a call into Node.js.
#pragma once

#include <napi.h>

#include <cstddef>
#include <cstdint>

#include "pinned_buffer.h"

namespace sendzc {

class control_words {
 public:
  // The same array at each call. Empty where Node-API refuses; an exception is then pending.
  Napi::Value array(Napi::Env env, size_t count) {
    if (words_ == nullptr) {
      Napi::Uint32Array made = Napi::Uint32Array::New(env, count);
      if (env.IsExceptionPending()) return {};
      // The pin keeps the memory even where a program transfers the array.
      pin_ = pin_array_buffer(made.ArrayBuffer());
      array_ = Napi::Persistent(made);
      words_ = made.Data();
    }
    return array_.Value();
  }
  // Null before the first array().
  const uint32_t* get() const { return words_; }
  // The end of an environment deletes no reference of an addon: the addon does.
  void forget() { array_.Reset(); }

 private:
  const uint32_t* words_ = nullptr;
  memory_pin pin_;
  Napi::Reference<Napi::Uint32Array> array_;
};

}  // namespace sendzc
