#include "optimizer.h"

#include <ATen/ATen.h>

#include <map>
#include <tuple>

#include "../parameter/parametrization.h"

namespace torch_prune {

void OptimizerState::Step(double lr) {
  const at::NoGradGuard no_grad;
  Group stepping;
  for (auto& p : parameters()) {
    if (!p.tensor.requires_grad() || !p.tensor.grad().defined()) continue;
    CheckRate(p, lr * p.lr_factor);
    stepping.push_back(&p);
  }
  // The arguments of a fused kernel that apply to a whole call: weight decay, learning rate, dtype, device.
  std::map<std::tuple<double, double, at::ScalarType, std::string>, Group> groups;
  for (OptimizedParameter* each : stepping) {
    auto& p = *each;
    const double rate = lr * p.lr_factor;
    for (auto& moment : p.moments) {
      if (moment.defined()) moment = Beside(p.tensor, moment);
    }
    p.gradient = Beside(p.tensor, p.tensor.grad());
    if (p.l2 != 0) p.gradient = p.gradient.add(p.tensor, p.l2);
    if (p.l1 != 0) p.gradient = p.gradient.add(p.tensor.sign(), p.l1);
    ++p.steps;
    if (fused_) {
      groups[{p.weight_decay, rate, p.tensor.scalar_type(), p.tensor.device().str()}].push_back(&p);
    } else {
      StepOne(p, rate);
    }
  }
  for (const auto& [key, group] : groups) StepFused(group, std::get<1>(key));
  for (OptimizedParameter* p : stepping) {
    p->gradient.reset();
    const auto* parametrization = Parametrization::Of(p->tensor);
    if (parametrization == nullptr) continue;
    parametrization->SettleAfterStep(p->tensor);
    for (const auto& moment : p->moments)
      if (moment.defined()) parametrization->SettleAfterStep(moment);
  }
}

void OptimizerState::CheckRate(const OptimizedParameter&, double lr) const {
  if (!(lr >= 0 && lr <= kLargestRate)) {
    throw Error("ERR_ARGUMENT", "the learning rate must be in 0..1e20, got " + c10::str(lr));
  }
}

void OptimizerState::SettleGradients() {
  for (const auto& p : parameters()) {
    const auto* parametrization = Parametrization::Of(p.tensor);
    if (parametrization != nullptr && p.tensor.grad().defined()) parametrization->Settle(p.tensor.grad());
  }
}

void OptimizerState::ZeroGrad() {
  // Releasing a gradient lets the next backward pass on its buffer instead of adding to this one.
  for (auto& p : parameters()) p.tensor.mutable_grad() = at::Tensor();
}

void OptimizerState::ScaleGradients(double factor) {
  const at::NoGradGuard no_grad;
  for (auto& p : parameters()) {
    if (p.tensor.grad().defined()) p.tensor.mutable_grad().mul_(factor);
  }
}

}  // namespace torch_prune
