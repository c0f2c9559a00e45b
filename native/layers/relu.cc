#include "registry.h"

namespace torch_prune {
namespace {

class Relu : public Layer {
 public:
  bool CanOverwrite() const override { return true; }
  Lowering Lower() const override { return Clamp{.lowest = 0}; }
  at::Tensor Forward(const std::vector<at::Tensor>& inputs, ForwardContext&) override {
    if (!overwrites) return at::relu(inputs[0]);
    at::Tensor input = inputs[0];
    return at::relu_(input);
  }
};

const LayerKind kRelu("relu", MakeLayerOf<Relu>);

}  // namespace
}  // namespace torch_prune
