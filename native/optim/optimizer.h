#pragma once
#include <ATen/core/Tensor.h>

#include <array>
#include <functional>
#include <string>
#include <vector>

#include "../base/handle.h"

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

// Larger rates and decays may become infinite in float32, and infinity times a pruned +0 is NaN.
constexpr double kLargestRate = 1e20;

// An optimizer of named parameters. `fused` uses libtorch's one-pass kernels; otherwise each parameter is
// updated by single operators in PyTorch's order (foreach=False), bit for bit.
class OptimizerState {
 public:
  static constexpr std::uint64_t kTag = 3;
  static constexpr const char* kName = "optimizer";

  OptimizerState(std::vector<OptimizedParameter> parameters, bool fused)
      : fused_(fused), parameters_(std::move(parameters)) {}
  virtual ~OptimizerState() = default;

  // PyTorch's names of the moments, in the order of OptimizedParameter::moments.
  virtual std::vector<const char*> MomentNames() const = 0;

  // Updates every parameter that has a gradient once. Throws, without changing anything, for a rate that
  // would leave anything but +0 where weights are pruned.
  void Step(double lr);
  // Whether a step settles gradients (Parametrization::Settle) by itself, so that they need not be settled
  // before.
  virtual bool SettlesInStep() const { return false; }
  // Settles gradients, for callers that may have changed them since backward.
  void SettleGradients();
  void ZeroGrad();
  void ScaleGradients(double factor);

  std::vector<OptimizedParameter>& parameters() { return parameters_; }
  OptimizedParameter& Find(const std::string& name);

 protected:
  bool fused() const { return fused_; }
  using Group = std::vector<OptimizedParameter*>;
  virtual void StepOne(OptimizedParameter& parameter, double lr) = 0;
  // Updates parameters that share all arguments that apply to a whole call of a fused kernel.
  virtual void StepFused(const Group& group, double lr) = 0;
  virtual void CheckRate(const OptimizedParameter& parameter, double lr) const;

 private:
  bool fused_;
  std::vector<OptimizedParameter> parameters_;
};

std::shared_ptr<OptimizerState> MakeSgd(std::vector<OptimizedParameter> parameters, bool fused,
                                        double momentum, double dampening, bool nesterov);
std::shared_ptr<OptimizerState> MakeAdam(std::vector<OptimizedParameter> parameters, bool fused, double beta1,
                                         double beta2, double eps, bool amsgrad, bool decoupled);

using OptimizerHandle = Handle<OptimizerState>;

void RegisterOptimizer(Napi::Env env, Napi::Object exports);

using Optimizers = std::vector<std::weak_ptr<OptimizerState>>;

// Visits each moment that any of the optimizers (Environment::optimizers) keeps for a parameter.
void ForEachMoment(const Optimizers& optimizers, const at::Tensor& parameter,
                   const std::function<void(const std::string&, const at::Tensor&)>& visit);
// Settles the moments as the parameter is parametrized: a sealed one has +0 where it is pruned.
void SettleMoments(const Optimizers& optimizers, const at::Tensor& parameter);

}  // namespace torch_prune
