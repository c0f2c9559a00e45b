#include "averages.h"

#include <ATen/ATen.h>
#include <ATen/core/grad_mode.h>

#include <map>
#include <string>
#include <utility>

namespace torch_prune {

Averages::Averages(const std::map<std::string, at::Tensor>& tensors, const Network& network) {
  for (const auto& [name, average] : tensors) {
    const at::Tensor& parameter = network.Find(name).tensor;
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
