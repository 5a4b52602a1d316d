// The functions that are called for every batch: plain Node-API. See docs/decisions/node-addon-api.md.
#pragma once

#include <node_api.h>

namespace sendzc {

// submit(segments): number of events. Driver, number of messages, mode, and whether one segment is passed instead of an array are control
// words; the messages are described in the driver's table.
napi_value submit(napi_env env, napi_callback_info info);
// flush(ring, driver, reap): number of events. For all of the ring; the driver, which may be closed, is who asked for it.
napi_value flush(napi_env env, napi_callback_info info);
// collect(ring, driver): number of events. Runs deferred completion work first, where there is some; `driver` is who asked, or none.
napi_value collect(napi_env env, napi_callback_info info);
// arm(driver, bits)
napi_value arm(napi_env env, napi_callback_info info);
// disarm(driver, bits)
napi_value disarm(napi_env env, napi_callback_info info);

}  // namespace sendzc
