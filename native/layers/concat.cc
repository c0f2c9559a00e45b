#include "registry.h"

namespace torch_prune {
namespace {

class Concat : public Layer {
 public:
  std::size_t MinInputs() const override { return 2; }
  bool OutputMayBeOverwritten() const override { return true; }
  at::Tensor Forward(const std::vector<at::Tensor>& inputs, ForwardContext&) override {
    return at::cat(inputs, 1);
  }
};

const LayerKind kConcat("concat", MakeLayerOf<Concat>);

}  // namespace
}  // namespace torch_prune
