// JavaScript's view of page_sender.
#include <errno.h>
#include <sendzc/env_instance.h>

#include "binding_arguments.h"
#include "environment.h"

namespace sendzc {
namespace {

page_sender* find(napi_env env, uint32_t id) {
  auto& senders = env_instance<environment>::get(env)->page_senders;
  auto found = senders.find(id);
  return found == senders.end() ? nullptr : found->second.get();
}

Napi::Value open_page_sender(const Napi::CallbackInfo& info) {
  value_reader reader(info.Env());
  int32_t socket = reader.int32(info[0], "fd");
  auto path = static_cast<page_path>(reader.uint32(info[1], "path"));
  size_t content_bytes = 0;
  const uint8_t* content = reader.bytes(info[2], content_bytes, "content");
  uint32_t message_bytes = reader.uint32(info[3], "messageBytes");
  if (!reader.ok()) return {};
  auto* instance = env_instance<environment>::get(info.Env());
  const char* call = "maxPageSenders";
  int result = -EMFILE;
  if (instance->page_senders.size() < max_page_senders) {
    std::unique_ptr<page_sender> opened;
    result = page_sender::open(socket, path, content, content_bytes, message_bytes, opened, call);
    if (result == 0) {
      uint32_t id = instance->next_page_sender++;
      instance->page_senders[id] = std::move(opened);
      result = static_cast<int>(id);
    }
  }
  Napi::Object answer = Napi::Object::New(info.Env());
  answer.Set("result", result);
  answer.Set("call", call);
  return to_value(info, answer);
}

Napi::Value send_pages(const Napi::CallbackInfo& info) {
  value_reader reader(info.Env());
  uint32_t id = reader.uint32(info[0], "sender");
  uint32_t messages = reader.uint32(info[1], "messages");
  if (!reader.ok()) return {};
  page_sender* sender = find(info.Env(), id);
  return to_value(info, sender == nullptr ? -EBADF : static_cast<int>(sender->send(messages)));
}

Napi::Value page_sender_totals(const Napi::CallbackInfo& info) {
  value_reader reader(info.Env());
  uint32_t id = reader.uint32(info[0], "sender");
  if (!reader.ok()) return {};
  page_sender* sender = find(info.Env(), id);
  page_totals totals = sender == nullptr ? page_totals{} : sender->totals();
  Napi::Object answer = Napi::Object::New(info.Env());
  answer.Set("result", sender == nullptr ? -EBADF : 0);
  answer.Set("messages", static_cast<double>(totals.messages));
  answer.Set("bytes", static_cast<double>(totals.bytes));
  answer.Set("calls", static_cast<double>(totals.calls));
  answer.Set("fullSockets", static_cast<double>(totals.full_sockets));
  return to_value(info, answer);
}

Napi::Value close_page_sender(const Napi::CallbackInfo& info) {
  value_reader reader(info.Env());
  uint32_t id = reader.uint32(info[0], "sender");
  if (!reader.ok()) return {};
  bool closed = env_instance<environment>::get(info.Env())->page_senders.erase(id) == 1;
  return to_value(info, closed ? 0 : -EBADF);
}

}  // namespace

bool export_page_sender_functions(Napi::Env env, Napi::Object exports) {
  return export_function(env, exports, "openPageSender", open_page_sender) && export_function(env, exports, "sendPages", send_pages) &&
         export_function(env, exports, "pageSenderTotals", page_sender_totals) &&
         export_function(env, exports, "closePageSender", close_page_sender);
}

}  // namespace sendzc
