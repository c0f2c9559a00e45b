#include "sums.h"

#include <torch/csrc/distributed/c10d/Store.hpp>

namespace torch_prune {
namespace {

constinit DeviceSums::Kind registered_kind{nullptr, nullptr};

}  // namespace

DeviceSumsKind::DeviceSumsKind(DeviceSums::Kind kind) {
  registered_kind = kind;
}

bool DeviceSums::Built() {
  return registered_kind.make != nullptr;
}

std::unique_ptr<DeviceSums> DeviceSums::Make(const Place& place) {
  return Built() ? registered_kind.make(place) : nullptr;
}

std::string DeviceSums::Identity(const at::Device& device) {
  return Built() && device.is_cuda() ? registered_kind.identity(device) : "";
}

}  // namespace torch_prune
