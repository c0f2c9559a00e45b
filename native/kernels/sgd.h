#pragma once
#include <cstdint>

namespace torch_prune {

struct SgdStep {
  float lr, momentum, dampening, weight_decay;
  bool nesterov;
  bool first;  // the momentum buffer takes the direction as it is
};

// One pass over a parameter's elements, with the arithmetic of torch.optim.SGD's single operators, rounding
// for rounding: libtorch's own fused kernel rounds otherwise in places, and small differences grow in
// training. `buffer` is null without momentum. Where `keep` is given and false, the gradient counts as +0,
// whatever it is.
void SgdPass(float* weight, const float* gradient, float* buffer, const bool* keep, std::int64_t count,
             const SgdStep& step);

}  // namespace torch_prune
