#include "memory.h"

#include <ATen/Context.h>
#include <c10/core/CachingDeviceAllocator.h>

namespace torch_prune {
namespace {

// A template, because libtorch 2.9 cannot tell.
template <typename Allocator>
std::optional<DeviceMemory> Ask(Allocator* allocator, c10::DeviceIndex device) {
  if constexpr (requires { allocator->getMemoryInfo(device); }) {
    const auto [free, total] = allocator->getMemoryInfo(device);
    return DeviceMemory{free, total};
  } else {
    return std::nullopt;
  }
}

}  // namespace

std::optional<DeviceMemory> DeviceMemory::Of(const c10::Device& device) {
  at::globalContext().lazyInitDevice(device.type());
  try {
    return Ask(c10::getDeviceAllocator(device.type()), device.index());
  } catch (const c10::Error&) {
    return std::nullopt;  // not every allocator can
  }
}

}  // namespace torch_prune
