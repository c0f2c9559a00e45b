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

std::unique_ptr<DeviceGraph> DeviceGraph::Of(const at::Device& device, const at::Generator& generator,
                                             const std::function<void()>& work) {
  auto graph = Make(device, generator);
  if (!graph) return nullptr;
  try {
    graph->Record(work);
  } catch (const std::exception&) {
    return nullptr;
  }
  return graph;
}

bool DeviceGraph::Built() {
  return registered != nullptr;
}

}  // namespace torch_prune
