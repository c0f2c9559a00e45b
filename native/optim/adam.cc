#include <ATen/ATen.h>

#include <cmath>
#include <limits>

#include "../base/errors.h"
#include "optimizer.h"

namespace torch_prune {
namespace {

struct AdamOptions {
  bool fused;
  std::array<double, 2> betas;
  double eps;
  bool amsgrad;
};
const auto kAdamFields = Fields<AdamOptions>(
    "adam", Field("fused", &AdamOptions::fused),
    Field("betas", &AdamOptions::betas).With({.least = 0, .under = 1}),
    // With an eps that float32 rounds to 0, a pruned weight would be 0 / 0.
    Field("eps", &AdamOptions::eps).Within(std::numeric_limits<float>::min(), kLargestRate),
    Field("amsgrad", &AdamOptions::amsgrad));

// Adam and AdamW like those of torch.optim; `decoupled` selects AdamW's weight decay.
class Adam : public OptimizerState {
 public:
  Adam(std::vector<OptimizedParameter> parameters, const AdamOptions& options, bool decoupled)
      : OptimizerState(std::move(parameters), options.fused),
        beta1_(options.betas[0]),
        beta2_(options.betas[1]),
        eps_(options.eps),
        amsgrad_(options.amsgrad),
        decoupled_(decoupled) {}

  std::shared_ptr<OptimizerState> Over(std::vector<OptimizedParameter> parameters) const override {
    auto same = std::make_shared<Adam>(*this);
    same->parameters() = std::move(parameters);
    return same;
  }
  std::vector<const char*> MomentNames() const override {
    if (amsgrad_) return {"exp_avg", "exp_avg_sq", "max_exp_avg_sq"};
    return {"exp_avg", "exp_avg_sq"};
  }

 protected:
  void CheckRate(const OptimizedParameter& p, double lr) const override {
    OptimizerState::CheckRate(p, lr);
    // With a negative factor, p *= 1 - lr * decay would turn a pruned +0 into -0.
    if (decoupled_ && lr * p.weight_decay >= 1) {
      throw Error("ERR_ARGUMENT", "AdamW: learning rate x weight decay must be under 1, got " +
                                      std::to_string(lr * p.weight_decay) + ": lower one of them");
    }
  }

  void StepOne(OptimizedParameter& p, double lr) override {
    MakeMoments(p);
    at::Tensor direction = p.gradient;
    if (p.weight_decay != 0) {
      if (decoupled_) {
        p.tensor.mul_(1 - lr * p.weight_decay);
      } else {
        direction = direction.add(p.tensor, p.weight_decay);
      }
    }
    auto& [mean, square, largest] = p.moments;
    mean.lerp_(direction, 1 - beta1_);
    square.mul_(beta2_).addcmul_(direction, direction, 1 - beta2_);
    const auto step = static_cast<double>(p.steps);
    const double step_size = lr / (1 - std::pow(beta1_, step));
    const double root = std::sqrt(1 - std::pow(beta2_, step));
    at::Tensor denominator;
    if (amsgrad_) {
      at::maximum_out(largest, largest, square);
      denominator = (largest.sqrt() / root).add_(eps_);
    } else {
      denominator = (square.sqrt() / root).add_(eps_);
    }
    p.tensor.addcdiv_(mean, denominator, -step_size);
  }

  void StepFused(const Group& group, const Rate& lr, const at::Tensor& steps) override {
    const auto& first = *group[0];
    const at::Tensor count = steps.defined()
                                 ? steps
                                 : at::full({}, static_cast<double>(first.steps),
                                            first.tensor.options().dtype(at::kFloat).requires_grad(false));
    std::vector<at::Tensor> values, gradients, means, squares, largest;
    for (OptimizedParameter* p : group) {
      MakeMoments(*p);
      values.push_back(p->tensor);
      gradients.push_back(p->gradient);
      means.push_back(p->moments[0]);
      squares.push_back(p->moments[1]);
      if (amsgrad_) largest.push_back(p->moments[2]);
    }
    const std::vector<at::Tensor> counts(group.size(), count);  // the kernels only read them
    const auto step = [&](const auto& rate) {
      if (decoupled_) {
        at::_fused_adamw_(values, gradients, means, squares, largest, counts, rate, beta1_, beta2_,
                          first.weight_decay, eps_, amsgrad_, /*maximize=*/false);
      } else {
        at::_fused_adam_(values, gradients, means, squares, largest, counts, rate, beta1_, beta2_,
                         first.weight_decay, eps_, amsgrad_, /*maximize=*/false);
      }
    };
    lr.recorded.defined() ? step(lr.recorded) : step(lr.value);
  }

 private:
  void MakeMoments(OptimizedParameter& p) const {
    for (int i = 0; i < (amsgrad_ ? 3 : 2); ++i) {
      if (!p.moments[i].defined()) p.moments[i] = at::zeros_like(p.tensor);
    }
  }

  double beta1_, beta2_, eps_;
  bool amsgrad_, decoupled_;
};

}  // namespace

std::shared_ptr<OptimizerState> MakeAdam(std::vector<OptimizedParameter> parameters, const Given& spec,
                                         bool decoupled) {
  return std::make_shared<Adam>(std::move(parameters), kAdamFields.Read(spec), decoupled);
}

}  // namespace torch_prune
