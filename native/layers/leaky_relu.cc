#include "registry.h"

namespace torch_prune {
namespace {

class LeakyRelu : public Layer {
 public:
  explicit LeakyRelu(const Options& options) : slope_(options.Number("negativeSlope")) {}
  at::Tensor Forward(const std::vector<at::Tensor>& inputs, ForwardContext&) override {
    return at::leaky_relu(inputs[0], slope_);
  }

 private:
  double slope_;
};

const LayerKind kLeakyRelu("leakyRelu", MakeLayerOf<LeakyRelu>);

}  // namespace
}  // namespace torch_prune
