#include "graph.h"

namespace torch_prune {
namespace {

constinit DeviceGraph::Maker registered_maker = nullptr;
constinit std::mutex recording;

}  // namespace

DeviceGraphKind::DeviceGraphKind(DeviceGraph::Maker maker) {
  registered_maker = maker;
}

std::unique_ptr<DeviceGraph> DeviceGraph::Make(const at::Device& device, const at::Generator& generator) {
  return registered_maker == nullptr || !device.is_cuda() ? nullptr : registered_maker(device, generator);
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

std::unique_lock<std::mutex> BetweenRecordings() {
  return std::unique_lock(recording);
}

bool DeviceGraph::Built() {
  return registered_maker != nullptr;
}

}  // namespace torch_prune
