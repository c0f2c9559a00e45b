#include "layer.h"

#include "registry.h"

namespace torch_prune {
namespace {

constinit const LayerKind* first = nullptr;

}  // namespace

LayerKind::LayerKind(const char* name, Make make) : name_(name), make_(make), next_(first) {
  first = this;
}

const LayerKind* LayerKind::Find(const std::string& name) {
  for (const LayerKind* kind = first; kind != nullptr; kind = kind->next_)
    if (name == kind->name_) return kind;
  return nullptr;
}

std::shared_ptr<Layer> MakeLayer(Given& specification) {
  const auto name = specification.Take<std::string>("kind");
  const LayerKind* kind = LayerKind::Find(name);
  if (kind == nullptr) throw Error("ERR_ARGUMENT", "there is no layer of kind '" + name + "'");
  return (*kind)(specification);
}

at::Tensor Layer::Parameter(const char* name, at::Tensor first) {
  parameters_.push_back({name, first.set_requires_grad(true)});
  return first;
}

at::Tensor Layer::Buffer(const char* name, at::Tensor first) {
  buffers_.push_back({name, first});
  return first;
}

void Layer::SetDropout(double) {
  throw Error("ERR_ARGUMENT", "layer '" + name + "' is not a dropout layer");
}

}  // namespace torch_prune
