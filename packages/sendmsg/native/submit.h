// Hands messages to the kernel and fills the event buffer; the number of events is what JavaScript gets.
#pragma once

#include <node_api.h>

namespace sendzc {

// submit(handle, segments, table, messageCount)
napi_value submit(napi_env env, napi_callback_info info);
// submitOne(handle, segment, token, flags): the most frequent batch, without looking into an array and a table.
napi_value submit_one(napi_env env, napi_callback_info info);

}  // namespace sendzc
