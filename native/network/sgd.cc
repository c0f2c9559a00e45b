#include <ATen/ATen.h>

#include "optimizer.h"

namespace torch_prune {
namespace {

// Stochastic gradient descent as torch.optim.SGD has it: momentum, dampening, Nesterov, coupled weight decay.
class Sgd : public OptimizerState {
 public:
  Sgd(std::vector<OptimizedParameter> parameters, bool fused, double momentum, double dampening,
      bool nesterov)
      : OptimizerState(std::move(parameters), fused),
        momentum_(momentum),
        dampening_(dampening),
        nesterov_(nesterov) {}

  std::vector<const char*> MomentNames() const override {
    return momentum_ == 0 ? std::vector<const char*>{} : std::vector<const char*>{"momentum_buffer"};
  }

 protected:
  void StepOne(OptimizedParameter& p, double lr) override {
    at::Tensor direction = p.gradient;
    if (p.weight_decay != 0) direction = direction.add(p.tensor, p.weight_decay);
    if (momentum_ != 0) {
      at::Tensor& buffer = p.moments[0];
      if (buffer.defined()) {
        buffer.mul_(momentum_).add_(direction, 1 - dampening_);
      } else {
        buffer = direction.clone();  // the first step is not dampened
      }
      direction = nesterov_ ? direction.add(buffer, momentum_) : buffer;
    }
    p.tensor.add_(direction, -lr);
  }

  void StepFused(const Group& group, double lr) override {
    // The kernel takes one "first step" flag for all, so parameters that joined later go by themselves.
    std::array<Group, 2> by_first;
    for (OptimizedParameter* p : group) by_first[momentum_ != 0 && !p->moments[0].defined()].push_back(p);
    for (const bool first : {false, true}) {
      std::vector<at::Tensor> values, gradients, buffers;
      for (OptimizedParameter* p : by_first[first]) {
        values.push_back(p->tensor);
        gradients.push_back(p->gradient);
        if (first) p->moments[0] = at::zeros_like(p->tensor);
        if (momentum_ != 0) buffers.push_back(p->moments[0]);
      }
      if (values.empty()) continue;
      at::_fused_sgd_(values, gradients, buffers, group[0]->weight_decay, momentum_, lr, dampening_,
                      nesterov_,
                      /*maximize=*/false, /*is_first_step=*/first);
    }
  }

 private:
  double momentum_, dampening_;
  bool nesterov_;
};

}  // namespace

std::shared_ptr<OptimizerState> MakeSgd(std::vector<OptimizedParameter> parameters, bool fused,
                                        double momentum, double dampening, bool nesterov) {
  return std::make_shared<Sgd>(std::move(parameters), fused, momentum, dampening, nesterov);
}

}  // namespace torch_prune
