#include "registry.h"

namespace torch_prune {
namespace {

struct LeakyReluOptions {
  double slope;
};
const auto kLeakyReluFields =
    Fields<LeakyReluOptions>("leakyRelu", Field("negativeSlope", &LeakyReluOptions::slope));

class LeakyRelu : public Layer {
 public:
  explicit LeakyRelu(const LeakyReluOptions& options) : slope_(options.slope) {}
  at::Tensor Forward(const std::vector<at::Tensor>& inputs, ForwardContext&) override {
    return at::leaky_relu(inputs[0], slope_);
  }

 private:
  double slope_;
};

const LayerKind kLeakyRelu("leakyRelu", MakeLayerOf<LeakyRelu, kLeakyReluFields>);

}  // namespace
}  // namespace torch_prune
