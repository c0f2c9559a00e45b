#include <ATen/ATen.h>

#include <cmath>

#include "../base/errors.h"
#include "optimizer.h"

namespace torch_prune {
namespace {

// Adam and AdamW like those of torch.optim; `decoupled` selects AdamW's weight decay.
class Adam : public OptimizerState {
 public:
  Adam(std::vector<OptimizedParameter> parameters, bool fused, double beta1, double beta2, double eps,
       bool amsgrad, bool decoupled)
      : OptimizerState(std::move(parameters), fused),
        beta1_(beta1),
        beta2_(beta2),
        eps_(eps),
        amsgrad_(amsgrad),
        decoupled_(decoupled) {}

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

  void StepFused(const Group& group, double lr) override {
    std::vector<at::Tensor> values, gradients, means, squares, largest, steps;
    for (OptimizedParameter* p : group) {
      MakeMoments(*p);
      values.push_back(p->tensor);
      gradients.push_back(p->gradient);
      means.push_back(p->moments[0]);
      squares.push_back(p->moments[1]);
      if (amsgrad_) largest.push_back(p->moments[2]);
      steps.push_back(at::full({}, static_cast<double>(p->steps),
                               p->tensor.options().dtype(at::kFloat).requires_grad(false)));
    }
    const auto kernel =
        decoupled_ ? static_cast<Kernel>(at::_fused_adamw_) : static_cast<Kernel>(at::_fused_adam_);
    kernel(values, gradients, means, squares, largest, steps, lr, beta1_, beta2_, group[0]->weight_decay,
           eps_, amsgrad_,
           /*maximize=*/false, {}, {});
  }

 private:
  using Kernel = void (*)(at::TensorList, at::TensorList, at::TensorList, at::TensorList, at::TensorList,
                          at::TensorList, double, double, double, double, double, bool, bool,
                          const std::optional<at::Tensor>&, const std::optional<at::Tensor>&);

  void MakeMoments(OptimizedParameter& p) const {
    for (int i = 0; i < (amsgrad_ ? 3 : 2); ++i) {
      if (!p.moments[i].defined()) p.moments[i] = at::zeros_like(p.tensor);
    }
  }

  double beta1_, beta2_, eps_;
  bool amsgrad_, decoupled_;
};

}  // namespace

std::shared_ptr<OptimizerState> MakeAdam(std::vector<OptimizedParameter> parameters, bool fused, double beta1,
                                         double beta2, double eps, bool amsgrad, bool decoupled) {
  return std::make_shared<Adam>(std::move(parameters), fused, beta1, beta2, eps, amsgrad, decoupled);
}

}  // namespace torch_prune
