#include "registry.h"

namespace torch_prune {
namespace {

class Silu : public Layer {
 public:
  at::Tensor Forward(const std::vector<at::Tensor>& inputs, ForwardContext&) override {
    return at::silu(inputs[0]);
  }
};

const LayerKind kSilu("silu", MakeLayerOf<Silu>);

}  // namespace
}  // namespace torch_prune
