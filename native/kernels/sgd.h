#pragma once
#include <cstdint>

namespace torch_prune {

struct SgdStep {
  float lr, momentum, dampening, weight_decay;
  bool nesterov;
  bool first;  // the first step: the momentum buffer becomes the direction itself
};

// Updates a parameter's elements in one pass, with the arithmetic of torch.optim.SGD's single operators,
// rounding for rounding: libtorch's own fused kernel rounds differently in places, and small differences grow
// in training. `buffer` is null without momentum. Where `keep` is given and false, the gradient counts as +0
// whatever its value is.
void SgdPass(float* weight, const float* gradient, float* buffer, const bool* keep, std::int64_t count,
             const SgdStep& step);

}  // namespace torch_prune
