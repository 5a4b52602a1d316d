// submit(handle, segments, table, messageCount): hands a batch to the kernel and fills the event buffer.
#pragma once

#include <node_api.h>

namespace sendzc {

napi_value submit(napi_env env, napi_callback_info info);

}  // namespace sendzc
