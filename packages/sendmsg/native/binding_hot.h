// The functions that are called for every batch: plain Node-API. See docs/decisions/node-addon-api.md.
#pragma once

#include <node_api.h>

namespace sendzc {

// submit(handle, segments, table, messageCount): hands messages to the kernel; number of events
napi_value submit(napi_env env, napi_callback_info info);
// submitAddressed(handle, segments, table, messageCount, envelopes): a batch in which messages have envelopes; number of events
napi_value submit_addressed(napi_env env, napi_callback_info info);
// submitOne(segment): one message of one segment, the most frequent batch. No array and no table is read; handle, token and flags are
// control words.
napi_value submit_one(napi_env env, napi_callback_info info);
// collect(handle): number of events
napi_value collect(napi_env env, napi_callback_info info);
// arm(handle, bits): 0 or a negated errno
napi_value arm(napi_env env, napi_callback_info info);
// disarm(handle, bits)
napi_value disarm(napi_env env, napi_callback_info info);

}  // namespace sendzc
