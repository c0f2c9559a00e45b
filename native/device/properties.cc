#include "properties.h"

namespace torch_prune {
namespace {

constinit DeviceProperties::Reader registered = nullptr;

}  // namespace

DevicePropertiesKind::DevicePropertiesKind(DeviceProperties::Reader reader) {
  registered = reader;
}

std::optional<DeviceProperties> DeviceProperties::Of(const c10::Device& device) {
  if (registered == nullptr) return std::nullopt;
  return registered(device);
}

}  // namespace torch_prune
