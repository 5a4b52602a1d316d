// The functions for registered memory.
#pragma once

#include <napi.h>

#include "environment.h"

namespace sendzc {

void export_region_calls(Napi::Object exports, environment* instance);

}  // namespace sendzc
