#include "registry.h"

namespace torch_prune {
namespace {

class Sigmoid : public Layer {
 public:
  at::Tensor Forward(const std::vector<at::Tensor>& inputs, ForwardContext&) override {
    return at::sigmoid(inputs[0]);
  }
};

const LayerKind kSigmoid("sigmoid", MakeLayerOf<Sigmoid>);

}  // namespace
}  // namespace torch_prune
