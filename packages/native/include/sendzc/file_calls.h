// The functions of a driver's files, as JavaScript calls them: the same in every addon whose environment has `file_set& files()` and
// `int64_t send_file(uint32_t driver, int file, int64_t offset, int64_t bytes)`, and `int socket_of(uint32_t driver)`, -1 for a closed
// driver. Binding layer.
#pragma once

#include <errno.h>

#include "call_arguments.h"
#include "send_file.h"

namespace sendzc {

// openFile(driver, fd, facts: Float64Array of 6): the descriptor of a duplicate, or a negated errno. The facts: bytes, mode, flags of
// open(2), whether the driver's socket never blocks, inode, time of change.
template <typename Environment>
Napi::Value open_file(const Napi::CallbackInfo& info) {
  cold_arguments<Environment> given(info, 3);
  uint32_t driver = given.uint32(0);
  int32_t fd = given.int32(1);
  elements_view<double> into = given.template elements<double>(2, 6);
  if (!given.valid()) return given.refuse("openFile: wrong arguments");
  int socket = given.instance().socket_of(driver);
  if (socket < 0) return given.number(-EBADF);
  file_facts facts;
  int file = given.instance().files().open(fd, facts);
  into[0] = static_cast<double>(facts.bytes);
  into[1] = facts.mode;
  into[2] = facts.flags;
  into[3] = never_blocks(socket) ? 1 : 0;
  into[4] = static_cast<double>(facts.inode);
  into[5] = facts.changed_at;
  return given.number(file);
}

// isFileCached(file, offset, bytes): 1 or 0, or a negated errno
template <typename Environment>
Napi::Value is_file_cached(const Napi::CallbackInfo& info) {
  cold_arguments<Environment> given(info, 3);
  int32_t file = given.int32(0);
  int64_t offset = given.int64(1);
  int64_t bytes = given.int64(2);
  if (!given.valid() || offset < 0 || bytes <= 0) return given.refuse("isFileCached: wrong arguments");
  return given.number(given.instance().files().contains(file) ? is_cached(file, offset, bytes) : -EBADF);
}

// sendFile(driver, file, offset, bytes): bytes, or a negated errno
template <typename Environment>
Napi::Value send_file_bytes(const Napi::CallbackInfo& info) {
  cold_arguments<Environment> given(info, 4);
  uint32_t driver = given.uint32(0);
  int32_t file = given.int32(1);
  int64_t offset = given.int64(2);
  int64_t bytes = given.int64(3);
  if (!given.valid() || offset < 0 || bytes <= 0) return given.refuse("sendFile: wrong arguments");
  return given.number(given.instance().files().contains(file) ? given.instance().send_file(driver, file, offset, bytes) : -EBADF);
}

// closeFile(file)
template <typename Environment>
Napi::Value close_file(const Napi::CallbackInfo& info) {
  cold_arguments<Environment> given(info, 1);
  int32_t file = given.int32(0);
  if (!given.valid()) return given.refuse("closeFile: wrong arguments");
  given.instance().files().close(file);
  return {};
}

template <typename Environment>
void export_file_calls(Napi::Object exports, Environment* instance) {
  export_cold<open_file<Environment>>(exports, "openFile", instance);
  export_cold<is_file_cached<Environment>>(exports, "isFileCached", instance);
  export_cold<send_file_bytes<Environment>>(exports, "sendFile", instance);
  export_cold<close_file<Environment>>(exports, "closeFile", instance);
}

}  // namespace sendzc
