#include "loss_scale.h"

#include <ATen/ATen.h>
#include <ATen/core/grad_mode.h>

#include <algorithm>
#include <vector>

namespace torch_prune {

bool LossScale::Unscale(OptimizerState& optimizer) {
  if (!wanted_) return true;
  const at::NoGradGuard no_grad;
  std::vector<at::Tensor> gradients;
  for (const auto& p : optimizer.parameters())
    if (p.tensor.grad().defined()) gradients.push_back(p.tensor.grad());
  if (gradients.empty()) return true;
  const auto options = gradients.front().options().dtype(at::kFloat);
  at::Tensor infinite = at::zeros({1}, options);
  at::_amp_foreach_non_finite_check_and_unscale_(gradients, infinite,
                                                 at::full({1}, 1 / state_.scale, options));
  const bool finite = infinite.item<float>() == 0;
  Follow(finite);
  return finite;
}

void LossScale::Follow(bool finite) {
  if (!finite) {
    state_ = {state_.scale / kFactor, 0};
  } else if (++state_.age >= kGoodSteps) {
    state_ = {std::min(state_.scale * kFactor, kLargest), 0};
  }
}

}  // namespace torch_prune
