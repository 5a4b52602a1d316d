// The arguments of this addon's functions.
#pragma once

#include "environment.h"
#include "sendzc/call_arguments.h"

namespace sendzc {

constexpr char misused[] = "sendzc_sendmsg: wrong argument, or a driver that is closed";

using cold = cold_arguments<environment>;
template <size_t Count>
using hot = hot_arguments<environment, Count>;

// The driver that the handle in `at` refers to; null where it is closed.
template <typename Arguments>
driver* opened_driver(Arguments& given, size_t at) {
  uint32_t handle = given.uint32(at);
  return given.valid() ? given.instance().find(handle) : nullptr;
}

}  // namespace sendzc
