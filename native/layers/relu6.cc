#include "registry.h"

namespace torch_prune {
namespace {

class Relu6 : public Layer {
 public:
  bool CanOverwrite() const override { return true; }
  Lowering Lower() const override { return Clamp{.lowest = 0, .highest = 6}; }
  at::Tensor Forward(const std::vector<at::Tensor>& inputs, ForwardContext&) override {
    if (!overwrites) return at::hardtanh(inputs[0], 0, 6);
    at::Tensor input = inputs[0];
    return at::hardtanh_(input, 0, 6);
  }
};

const LayerKind kRelu6("relu6", MakeLayerOf<Relu6>);

}  // namespace
}  // namespace torch_prune
