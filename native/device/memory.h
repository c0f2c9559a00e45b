#pragma once
#include <c10/core/Device.h>

#include <cstddef>
#include <optional>

namespace torch_prune {

// Memory of a GPU, in bytes.
struct DeviceMemory {
  std::size_t free = 0;   // what no process holds
  std::size_t total = 0;  // what the device has

  // None where libtorch, or its allocator, cannot tell.
  static std::optional<DeviceMemory> Of(const c10::Device& device);
};

}  // namespace torch_prune
