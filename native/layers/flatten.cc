#include "registry.h"

namespace torch_prune {
namespace {

class Flatten : public Layer {
 public:
  at::Tensor Forward(const std::vector<at::Tensor>& inputs, ForwardContext&) override {
    return inputs[0].flatten(1);
  }
};

const LayerKind kFlatten("flatten", MakeLayerOf<Flatten>);

}  // namespace
}  // namespace torch_prune
