#include "registry.h"

#include <ATen/core/grad_mode.h>

namespace torch_prune {
namespace {

struct DropoutOptions {
  double p;
};
const auto kDropoutFields = Fields<DropoutOptions>("dropout", Field("p", &DropoutOptions::p).Within(0, 1));

class Dropout : public Layer {
 public:
  explicit Dropout(const DropoutOptions& options) : rate_(options.p) {}
  bool IsRandom() const override { return rate_ != 0; }
  void SetDropout(double rate) override { rate_ = rate; }
  double dropout() const override { return rate_; }
  Lowering Lower() const override { return Identity{}; }
  at::Tensor Forward(const std::vector<at::Tensor>& inputs, ForwardContext& context) override {
    if (!context.training || rate_ == 0) return inputs[0];
    if (rate_ == 1) return inputs[0] * 0;
    const at::NoGradGuard no_grad;
    const at::Tensor noise =
        at::empty_like(inputs[0]).bernoulli_(1 - rate_, context.generator).div_(1 - rate_);
    const at::AutoGradMode grad(true);
    return inputs[0] * noise;
  }

 private:
  double rate_;
};

const LayerKind kDropout("dropout", MakeLayerOf<Dropout, kDropoutFields>);

}  // namespace
}  // namespace torch_prune
