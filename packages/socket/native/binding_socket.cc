// JavaScript's view of open_socket, ready_poll and socket_details.
#include <sendzc/env_instance.h>

#include <cstring>

#include "address.h"
#include "binding_arguments.h"
#include "environment.h"
#include "open_socket.h"
#include "socket_details.h"

namespace sendzc {
namespace {

socket_spec read_spec(value_reader& reader, napi_value object) {
  auto get = [&](const char* name) { return reader.property(object, name); };
  socket_spec spec;
  spec.protocol = static_cast<socket_protocol>(reader.int32(get("protocol"), "protocol"));
  spec.role = static_cast<socket_role>(reader.int32(get("role"), "role"));
  spec.family = reader.int32(get("family"), "family") == 6 ? AF_INET6 : AF_INET;
  spec.host = reader.string(get("host"), "host");
  spec.local_host = reader.string(get("localHost"), "localHost");
  spec.congestion_control = reader.string(get("congestionControl"), "congestionControl");
  spec.device = reader.string(get("device"), "device");
  spec.port = reader.uint32(get("port"), "port");
  spec.local_port = reader.uint32(get("localPort"), "localPort");
  spec.cid = reader.uint32(get("cid"), "cid");
  spec.protocol_number = reader.int32(get("protocolNumber"), "protocolNumber");
  spec.ether_type = reader.uint32(get("etherType"), "etherType");
  spec.send_buffer_bytes = reader.int32(get("sendBufferBytes"), "sendBufferBytes");
  spec.receive_buffer_bytes = reader.int32(get("receiveBufferBytes"), "receiveBufferBytes");
  spec.backlog = reader.int32(get("backlog"), "backlog");
  spec.no_delay = reader.boolean(get("noDelay"), "noDelay");
  size_t size = 0;
  const uint8_t* mac = reader.bytes(get("mac"), size, "mac");
  if (reader.ok() && size == sizeof(spec.mac)) memcpy(spec.mac, mac, sizeof(spec.mac));
  return spec;
}

Napi::Value open(const Napi::CallbackInfo& info) {
  value_reader reader(info.Env());
  socket_spec spec = read_spec(reader, info[0]);
  if (!reader.ok()) return {};
  opened_socket opened;
  const char* call = "";
  int result = open_socket(spec, opened, call);
  Napi::Object answer = Napi::Object::New(info.Env());
  auto destination = Napi::Uint8Array::New(info.Env(), opened.destination.size);
  if (opened.destination.size > 0) memcpy(destination.Data(), &opened.destination.storage, opened.destination.size);
  answer.Set("call", call);
  answer.Set("connecting", opened.connecting);
  answer.Set("destination", destination);
  answer.Set("result", result == 0 ? opened.fd.get() : result);
  // Where JavaScript never learns of the descriptor, it is closed here.
  if (!info.Env().IsExceptionPending()) opened.fd.release();
  return to_value(info, answer);
}

using fd_function = int (*)(int);

template <fd_function function>
Napi::Value with_fd(const Napi::CallbackInfo& info) {
  value_reader reader(info.Env());
  int fd = reader.int32(info[0], "fd");
  return reader.ok() ? to_value(info, function(fd)) : Napi::Value();
}

Napi::Value set_buffers(const Napi::CallbackInfo& info) {
  value_reader reader(info.Env());
  int fd = reader.int32(info[0], "fd");
  int32_t send_bytes = reader.int32(info[1], "sendBufferBytes");
  int32_t receive_bytes = reader.int32(info[2], "receiveBufferBytes");
  if (!reader.ok()) return {};
  const char* call = "";
  int result = set_buffer_sizes(fd, send_bytes, receive_bytes, call);
  Napi::Object answer = Napi::Object::New(info.Env());
  answer.Set("call", call);
  answer.Set("result", result);
  return to_value(info, answer);
}

Napi::Object address_value(Napi::Env env, int result, const named_address& named) {
  Napi::Object answer = Napi::Object::New(env);
  answer.Set("result", result);
  answer.Set("family", named.family);
  answer.Set("host", named.host);
  answer.Set("port", named.port);
  return answer;
}

using address_function = int (*)(int, named_address&);

template <address_function function>
Napi::Value with_address(const Napi::CallbackInfo& info) {
  value_reader reader(info.Env());
  int fd = reader.int32(info[0], "fd");
  if (!reader.ok()) return {};
  named_address named;
  int result = function(fd, named);
  return to_value(info, address_value(info.Env(), result, named));
}

Napi::Value details(const Napi::CallbackInfo& info) {
  value_reader reader(info.Env());
  int fd = reader.int32(info[0], "fd");
  if (!reader.ok()) return {};
  socket_details found;
  int result = read_socket_details(fd, found);
  Napi::Object answer = Napi::Object::New(info.Env());
  answer.Set("result", result);
  answer.Set("domain", found.facts.domain);
  answer.Set("type", found.facts.type);
  answer.Set("protocol", found.facts.protocol);
  answer.Set("connected", found.facts.connected);
  answer.Set("listening", found.facts.listening);
  answer.Set("sendBufferBytes", found.send_buffer_bytes);
  answer.Set("receiveBufferBytes", found.receive_buffer_bytes);
  answer.Set("mtuBytes", found.mtu_bytes);
  answer.Set("maxSegmentBytes", found.max_segment_bytes);
  answer.Set("congestionControl", static_cast<const char*>(found.congestion_control));
  answer.Set("zerocopy", found.zerocopy);
  answer.Set("nonBlocking", found.non_blocking);
  return to_value(info, answer);
}

Napi::Value watch(const Napi::CallbackInfo& info) {
  value_reader reader(info.Env());
  int fd = reader.int32(info[0], "fd");
  bool writable = reader.boolean(info[1], "writable");
  uint32_t id = reader.uint32(info[2], "id");
  if (!reader.ok()) return {};
  return to_value(info, env_instance<environment>::get(info.Env())->poll.watch(fd, writable, id));
}

Napi::Value unwatch(const Napi::CallbackInfo& info) {
  value_reader reader(info.Env());
  int fd = reader.int32(info[0], "fd");
  if (!reader.ok()) return {};
  return to_value(info, env_instance<environment>::get(info.Env())->poll.unwatch(fd));
}

// The one callback of this environment: (id) => void.
Napi::Value set_on_ready(const Napi::CallbackInfo& info) {
  auto* instance = env_instance<environment>::get(info.Env());
  if (instance->on_ready.is_set() || !info[0].IsFunction()) {
    Napi::TypeError::New(info.Env(), "sendzc_socket: setOnReady takes a function, once").ThrowAsJavaScriptException();
    return {};
  }
  return to_value(info, instance->on_ready.set(info.Env(), "sendzc_socket", info[0]) ? 0 : -ENOMEM);
}

}  // namespace

bool export_socket_functions(Napi::Env env, Napi::Object exports) {
  return export_function(env, exports, "open", open) && export_function(env, exports, "close", with_fd<close_socket>) &&
         export_function(env, exports, "finishConnect", with_fd<finish_connect>) &&
         export_function(env, exports, "accept", with_fd<accept_connection>) &&
         export_function(env, exports, "enableZerocopy", with_fd<enable_zerocopy>) &&
         export_function(env, exports, "setBufferSizes", set_buffers) &&
         export_function(env, exports, "localAddress", with_address<local_address>) &&
         export_function(env, exports, "peerAddress", with_address<peer_address>) && export_function(env, exports, "details", details) &&
         export_function(env, exports, "watch", watch) && export_function(env, exports, "unwatch", unwatch) &&
         export_function(env, exports, "setOnReady", set_on_ready);
}

}  // namespace sendzc
