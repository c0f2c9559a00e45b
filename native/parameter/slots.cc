#include "slots.h"

#include <ATen/ATen.h>

#include "../base/errors.h"
#include "../base/layout.h"
#include "parametrization.h"

namespace torch_prune {

OptimizedParameter& OptimizerSlots::Find(const std::string& name) {
  for (auto& p : parameters_) {
    if (p.name == name) return p;
  }
  throw Error("ERR_ARGUMENT", "the optimizer has no parameter called '" + name + "'");
}

at::Tensor Beside(const at::Tensor& parameter, const at::Tensor& values) {
  const bool there = values.device() == parameter.device() &&
                     (SameOrder(values, parameter) || !parameter.is_non_overlapping_and_dense());
  return there ? values
               : at::empty_like(parameter, values.options().device(parameter.device())).copy_(values);
}

void ForEachMoment(const Optimizers& optimizers, const at::Tensor& parameter,
                   const std::function<void(const std::string&, const at::Tensor&)>& visit) {
  for (const auto& weak : optimizers) {
    const auto optimizer = weak.lock();
    if (!optimizer) continue;
    const auto names = optimizer->MomentNames();
    for (auto& p : optimizer->parameters()) {
      if (!p.tensor.is_same(parameter)) continue;
      for (std::size_t i = 0; i < names.size(); ++i) {
        auto& moment = p.moments[i];
        if (!moment.defined()) continue;
        // The moments of a network that was moved follow at the next step, or here.
        moment = Beside(parameter, moment);
        visit(names[i], moment);
      }
    }
  }
}

void SettleMoments(const Optimizers& optimizers, const at::Tensor& parameter) {
  const auto* parametrization = Parametrization::Of(parameter);
  if (parametrization == nullptr) return;
  ForEachMoment(optimizers, parameter, [parametrization](const std::string&, const at::Tensor& moment) {
    parametrization->Settle(moment);
  });
}

}  // namespace torch_prune
