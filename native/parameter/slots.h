#pragma once
#include <ATen/core/Tensor.h>

#include <array>
#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace torch_prune {

// A parameter of an optimizer, and the moments that are kept for it (undefined until its first step).
struct OptimizedParameter {
  std::string name;
  at::Tensor tensor;
  double weight_decay = 0;  // of the optimizer's own kind: coupled for SGD and Adam, decoupled for AdamW
  double l1 = 0;            // adds l1 * sign(w) to the gradient
  double l2 = 0;            // adds l2 * w to the gradient
  double lr_factor = 1;
  std::int64_t steps = 0;
  at::Tensor gradient;  // during a step: `.grad` with l1 and l2 added
  std::array<at::Tensor, 3> moments;
};

// What an optimizer keeps for each of its parameters.
class OptimizerSlots {
 public:
  explicit OptimizerSlots(std::vector<OptimizedParameter> parameters) : parameters_(std::move(parameters)) {}
  virtual ~OptimizerSlots() = default;

  // PyTorch's names of the moments, in the order of OptimizedParameter::moments.
  virtual std::vector<const char*> MomentNames() const = 0;

  std::vector<OptimizedParameter>& parameters() { return parameters_; }
  const std::vector<OptimizedParameter>& parameters() const { return parameters_; }
  OptimizedParameter& Find(const std::string& name);

 private:
  std::vector<OptimizedParameter> parameters_;
};

// Returns the same values on the parameter's device and in the order of its elements. The parameter may have
// been moved, and libtorch's fused kernels do not check the layout of their arguments.
at::Tensor Beside(const at::Tensor& parameter, const at::Tensor& values);

// All optimizers of an environment (Environment::optimizers).
using Optimizers = std::vector<std::weak_ptr<OptimizerSlots>>;

// Visits each moment that any of the optimizers keeps for a parameter.
void ForEachMoment(const Optimizers& optimizers, const at::Tensor& parameter,
                   const std::function<void(const std::string&, const at::Tensor&)>& visit);
// Settles the moments as the parameter is parametrized: a sealed one has +0 where it is pruned.
void SettleMoments(const Optimizers& optimizers, const at::Tensor& parameter);

}  // namespace torch_prune
