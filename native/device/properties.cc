#include "properties.h"

namespace torch_prune {
namespace {

constinit DeviceProperties::Reader registered_reader = nullptr;

}  // namespace

DevicePropertiesKind::DevicePropertiesKind(DeviceProperties::Reader reader) {
  registered_reader = reader;
}

std::optional<DeviceProperties> DeviceProperties::Of(const c10::Device& device) {
  if (registered_reader == nullptr) return std::nullopt;
  return registered_reader(device);
}

}  // namespace torch_prune
