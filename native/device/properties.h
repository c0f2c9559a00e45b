#pragma once
#include <c10/core/Device.h>

#include <optional>
#include <string>

namespace torch_prune {

// What a GPU is.
struct DeviceProperties {
  std::string name;
  std::string capability;  // "9.0"
  double memory = 0;       // in bytes
  double processors = 0;   // streaming multiprocessors

  // None where the addon was built without the headers of the CUDA runtime.
  static std::optional<DeviceProperties> Of(const c10::Device& device);

  using Reader = DeviceProperties (*)(const c10::Device& device);
};

// Where the file that is only built with those headers announces itself.
class DevicePropertiesKind {
 public:
  explicit DevicePropertiesKind(DeviceProperties::Reader reader);
};

}  // namespace torch_prune
