#include "averages.h"

#include <ATen/ATen.h>
#include <ATen/core/grad_mode.h>

#include "../tensor/tensor.h"

namespace torch_prune {

Averages::Averages(const Napi::Value& tensors, const Network& network) {
  if (tensors.IsUndefined() || tensors.IsNull()) return;
  const auto averages = ToObject(tensors, "averages");
  for (const auto& name : ToStrings(averages.GetPropertyNames(), "averages")) {
    const at::Tensor& parameter = network.Find(name).tensor;
    const at::Tensor& average = Unwrap(averages.Get(name), "average");
    if (average.sizes() != parameter.sizes())
      throw Error("ERR_SHAPE", "the average of '" + name + "' must have its shape");
    averaged_.push_back({average, parameter});
  }
}

void Averages::Update(double weight) const {
  if (weight == 0) return;
  const at::NoGradGuard no_grad;
  for (const auto& [average, parameter] : averaged_) average.lerp_(parameter, weight);
}

std::vector<at::Tensor> Averages::tensors() const {
  std::vector<at::Tensor> tensors;
  for (const auto& each : averaged_) tensors.push_back(each.average);
  return tensors;
}

}  // namespace torch_prune
