#pragma once
#include "../base/arguments.h"
#include "optimizer.h"

namespace torch_prune {

// How far gradients are cut before a step: 0 for not at all.
struct GradientClip {
  double norm = 0;   // the largest L2 norm of all of them together
  double value = 0;  // the largest magnitude of each

  // From {clipNorm?, clipValue?}.
  static GradientClip Of(const Options& options);
  bool Any() const { return norm > 0 || value > 0; }
};

// As torch.nn.utils.clip_grad_norm_ and clip_grad_value_; pruned places are +0 after it. They must be before:
// what a mask prunes is no part of the norm.
void ClipGradients(OptimizerState& optimizer, const GradientClip& clip);

}  // namespace torch_prune
