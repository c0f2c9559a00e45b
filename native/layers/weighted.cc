#include "weighted.h"

#include <ATen/core/grad_mode.h>

#include <cmath>

namespace torch_prune {

void Weighted::Register(at::IntArrayRef weight, std::int64_t outputs, bool bias) {
  weight_ = Parameter("weight", at::empty(weight));
  if (bias) bias_ = Parameter("bias", at::empty({outputs}));
}

// torch.nn's default for linear and convolutional layers: kaiming_uniform with a = sqrt(5) for the weight,
// U(-1/sqrt(fan_in), 1/sqrt(fan_in)) for the bias. The arithmetic is PyTorch's, step by step, so that the
// same seed gives the same bits.
void Weighted::Initialize(at::Generator& generator) {
  const at::NoGradGuard no_grad;
  const auto draw = [&generator](const at::Tensor& values, double bound) {
    // On the CPU wherever they go, so that a seed means the same on every device.
    if (values.is_cpu()) {
      values.uniform_(-bound, bound, generator);
    } else {
      values.copy_(at::empty(values.sizes()).uniform_(-bound, bound, generator));
    }
  };
  // Of a transposed convolution too, whose rows are inputs.
  const double fan_in = static_cast<double>(weight_.numel()) / static_cast<double>(weight_.size(0));
  const double a = std::sqrt(5.0);
  const double gain = std::sqrt(2.0 / (1 + a * a));
  const double bound = std::sqrt(3.0) * (gain / std::sqrt(fan_in));
  draw(weight_, bound);
  if (bias_.defined()) draw(bias_, 1 / std::sqrt(fan_in));
}

}  // namespace torch_prune
