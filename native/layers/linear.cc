#include "../ops/split_linear.h"
#include "../parameter/parametrization.h"
#include "registry.h"
#include "weighted.h"

namespace torch_prune {
namespace {

struct LinearOptions {
  std::int64_t in, out;
  bool bias;
};
const auto kLinearFields = Fields<LinearOptions>("linear", Field("inFeatures", &LinearOptions::in).AtLeast(1),
                                                 Field("outFeatures", &LinearOptions::out).AtLeast(1),
                                                 Field("bias", &LinearOptions::bias));

class Linear : public Weighted {
 public:
  explicit Linear(const LinearOptions& options) {
    Register({options.out, options.in}, options.out, options.bias);
  }
  at::Tensor Forward(const std::vector<at::Tensor>& inputs, ForwardContext& context) override {
    if (context.steps != nullptr) {
      const auto kept = context.steps->find(weight_.unsafeGetTensorImpl());
      if (kept != context.steps->end()) return KeptLinear::Forward(kept->second, inputs[0], bias_);
    }
    const at::Tensor weight = Effective(weight_);
    if (context.steps && CanSplitLinear(inputs[0], weight)) return SplitLinear(inputs[0], weight, bias_);
    return at::linear(inputs[0], weight, bias_);
  }
  Lowering Lower() const override { return Product{Effective(weight_), bias_}; }
};

const LayerKind kLinear("linear", MakeLayerOf<Linear, kLinearFields>);

}  // namespace
}  // namespace torch_prune
