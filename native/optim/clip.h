#pragma once
#include "optimizer.h"

namespace torch_prune {

// The limits to which gradients are clipped before a step; 0 for no limit.
struct GradientClip {
  double norm = 0;   // the largest L2 norm of all gradients together
  double value = 0;  // the largest magnitude of each element
  bool Any() const { return norm > 0 || value > 0; }
};

// Works like torch.nn.utils.clip_grad_norm_ and clip_grad_value_; pruned positions are +0 afterward. They
// must be +0 before as well, because what a mask prunes is not part of the norm.
void ClipGradients(OptimizerState& optimizer, const GradientClip& clip);

}  // namespace torch_prune
