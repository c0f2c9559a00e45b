#include "registry.h"

namespace torch_prune {
namespace {

class Tanh : public Layer {
 public:
  at::Tensor Forward(const std::vector<at::Tensor>& inputs, ForwardContext&) override {
    return at::tanh(inputs[0]);
  }
};

const LayerKind kTanh("tanh", MakeLayerOf<Tanh>);

}  // namespace
}  // namespace torch_prune
