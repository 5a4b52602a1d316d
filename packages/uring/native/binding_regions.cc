#include "binding_regions.h"

#include <errno.h>

#include <memory>
#include <new>
#include <utility>

#include "binding_arguments.h"

namespace sendzc {

namespace {

// createRegion(count, slotBytes): number, or a negated errno
Napi::Value create_region(const Napi::CallbackInfo& info) {
  cold given(info, 2);
  uint32_t count = given.uint32(0);
  uint32_t slot_bytes = given.uint32(1);
  if (!given.valid()) return given.refuse("createRegion: wrong arguments");
  return given.number(given.instance().create_region(count, slot_bytes));
}

// registerRegion(ring, region): 0 or a negated errno
Napi::Value register_region(const Napi::CallbackInfo& info) {
  cold given(info, 2);
  uint32_t handle = given.uint32(0);
  uint32_t region_id = given.uint32(1);
  if (!given.valid()) return given.refuse("registerRegion: wrong arguments");
  attached_ring* ring = given.instance().find_ring(handle);
  std::shared_ptr<fixed_region> region = given.instance().region(region_id);
  if (ring == nullptr || region == nullptr) return given.number(-EBADF);
  return given.number(ring->engine().register_region(std::move(region)));
}

// regionBuffer(region): ArrayBuffer over all of it. The memory lives for as long as the environment or the buffer, whichever is longer.
Napi::Value region_buffer(const Napi::CallbackInfo& info) {
  cold given(info, 1);
  uint32_t id = given.uint32(0);
  std::shared_ptr<fixed_region> region;
  if (given.valid()) region = given.instance().region(id);
  if (region == nullptr) return given.refuse("regionBuffer: no such region");
  auto* owner = new (std::nothrow) std::shared_ptr<fixed_region>(region);
  if (owner == nullptr) return given.refuse("regionBuffer: out of memory");
  auto finalize = [](napi_env, void*, void* hint) { delete static_cast<std::shared_ptr<fixed_region>*>(hint); };
  napi_value result = nullptr;
  if (napi_create_external_arraybuffer(info.Env(), region->base(), region->bytes(), finalize, owner, &result) != napi_ok) {
    delete owner;
    return given.refuse("regionBuffer: the runtime refuses external memory");
  }
  return {info.Env(), result};
}

// regionInFlight(region, slot): messages in flight that use the slot
Napi::Value region_in_flight(const Napi::CallbackInfo& info) {
  cold given(info, 2);
  uint32_t id = given.uint32(0);
  uint32_t slot = given.uint32(1);
  if (!given.valid()) return given.refuse("regionInFlight: wrong arguments");
  std::shared_ptr<fixed_region> region = given.instance().region(id);
  return given.number(region == nullptr ? 0 : region->in_flight(slot));
}

}  // namespace

void export_region_calls(Napi::Object exports, environment* instance) {
  export_cold<create_region>(exports, "createRegion", instance);
  export_cold<register_region>(exports, "registerRegion", instance);
  export_cold<region_buffer>(exports, "regionBuffer", instance);
  export_cold<region_in_flight>(exports, "regionInFlight", instance);
}

}  // namespace sendzc
