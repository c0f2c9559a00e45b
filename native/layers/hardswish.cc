#include "registry.h"

namespace torch_prune {
namespace {

class Hardswish : public Layer {
 public:
  at::Tensor Forward(const std::vector<at::Tensor>& inputs, ForwardContext&) override {
    return at::hardswish(inputs[0]);
  }
};

const LayerKind kHardswish("hardswish", MakeLayerOf<Hardswish>);

}  // namespace
}  // namespace torch_prune
