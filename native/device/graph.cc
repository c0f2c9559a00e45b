#include "graph.h"

namespace torch_prune {
namespace {

constinit DeviceGraph::Maker registered = nullptr;

}  // namespace

DeviceGraphKind::DeviceGraphKind(DeviceGraph::Maker maker) {
  registered = maker;
}

std::unique_ptr<DeviceGraph> DeviceGraph::Make(const at::Device& device, const at::Generator& generator) {
  return registered == nullptr || !device.is_cuda() ? nullptr : registered(device, generator);
}

bool DeviceGraph::Built() {
  return registered != nullptr;
}

}  // namespace torch_prune
