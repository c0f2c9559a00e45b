#include "sum.h"

#include <ATen/ATen.h>
#include <ATen/core/grad_mode.h>

namespace torch_prune {

void Sum::Add(const at::Tensor& number, double factor) {
  const at::NoGradGuard no_grad;
  if (number.is_cpu()) {
    value_ += number.to(at::kDouble).item<double>() * factor;
    return;
  }
  if (!on_device_.defined()) on_device_ = at::zeros({}, number.options().dtype(at::kDouble));
  on_device_.add_(number.detach(), factor);
}

void Sum::Restart(double value) {
  value_ = value;
  if (on_device_.defined()) on_device_.zero_();
}

double Sum::Read() const {
  return on_device_.defined() ? value_ + on_device_.item<double>() : value_;
}

}  // namespace torch_prune
