// The functions that are called for every batch: plain Node-API. See docs/decisions/node-addon-api.md.
#pragma once

#include <node_api.h>

namespace sendzc {

// submit(segments): number of events. The control words are the driver, the number of messages, the mode, and whether one segment is passed
// instead of an array. The driver's table describes the messages.
napi_value submit(napi_env env, napi_callback_info info);
// flush(ring, driver, reap): number of events. Hands over the messages of all drivers of the ring; `driver` asked for it, and may be
// closed.
napi_value flush(napi_env env, napi_callback_info info);
// collect(ring, driver): number of events. Runs deferred completion work first, where there is some; `driver` asked for it, or none did.
napi_value collect(napi_env env, napi_callback_info info);
// arm(driver, bits)
napi_value arm(napi_env env, napi_callback_info info);
// disarm(driver, bits)
napi_value disarm(napi_env env, napi_callback_info info);

}  // namespace sendzc
