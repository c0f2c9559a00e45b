#include "../ops/split_linear.h"
#include "../parameter/parametrisation.h"
#include "registry.h"
#include "weighted.h"

namespace torch_prune {
namespace {

class Linear : public Weighted {
 public:
  explicit Linear(const Options& options) {
    const auto in = options.Integer("inFeatures");
    const auto out = options.Integer("outFeatures");
    Register({out, in}, out, options.Boolean("bias", true));
  }
  at::Tensor Forward(const std::vector<at::Tensor>& inputs, ForwardContext& context) override {
    const at::Tensor weight = Effective(weight_);
    if (context.steps && CanSplitLinear(inputs[0], weight)) return SplitLinear(inputs[0], weight, bias_);
    return at::linear(inputs[0], weight, bias_);
  }
};

const LayerKind kLinear("linear", MakeLayerOf<Linear>);

}  // namespace
}  // namespace torch_prune
