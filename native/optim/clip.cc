#include "clip.h"

#include <ATen/ATen.h>
#include <ATen/core/grad_mode.h>

namespace torch_prune {
void ClipGradients(OptimizerState& optimizer, const GradientClip& clip) {
  const at::NoGradGuard no_grad;
  std::vector<at::Tensor> gradients, norms;
  for (const auto& p : optimizer.parameters()) {
    if (p.tensor.grad().defined()) gradients.push_back(p.tensor.grad());
  }
  if (gradients.empty()) return;
  if (clip.norm > 0) {
    for (const auto& gradient : gradients) norms.push_back(gradient.norm());
    const at::Tensor total = at::stack(norms).norm();
    const at::Tensor factor = (clip.norm / (total + 1e-6)).clamp_max(1);
    for (auto& gradient : gradients) gradient.mul_(factor);
  }
  if (clip.value > 0) {
    for (auto& gradient : gradients) gradient.clamp_(-clip.value, clip.value);
  }
  // A norm that is NaN turns every +0 into NaN.
  optimizer.SettleGradients();
}

}  // namespace torch_prune
