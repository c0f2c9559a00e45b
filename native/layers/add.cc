#include "registry.h"

namespace torch_prune {
namespace {

class Add : public Layer {
 public:
  std::size_t MinInputs() const override { return 2; }
  bool OutputMayBeOverwritten() const override { return true; }
  at::Tensor Forward(const std::vector<at::Tensor>& inputs, ForwardContext&) override {
    at::Tensor sum = inputs[0] + inputs[1];
    for (std::size_t i = 2; i < inputs.size(); ++i) sum = sum + inputs[i];
    return sum;
  }
};

const LayerKind kAdd("add", MakeLayerOf<Add>);

}  // namespace
}  // namespace torch_prune
