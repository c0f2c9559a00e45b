#include "registry.h"

namespace torch_prune {
namespace {

class Mul : public Layer {
 public:
  std::size_t MinInputs() const override { return 2; }
  bool OutputMayBeOverwritten() const override { return true; }
  at::Tensor Forward(const std::vector<at::Tensor>& inputs, ForwardContext&) override {
    at::Tensor product = inputs[0] * inputs[1];
    for (std::size_t i = 2; i < inputs.size(); ++i) product = product * inputs[i];
    return product;
  }
};

const LayerKind kMul("mul", MakeLayerOf<Mul>);

}  // namespace
}  // namespace torch_prune
