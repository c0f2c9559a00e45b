#pragma once
#include <ATen/core/Tensor.h>

#include <memory>
#include <vector>

#include "../base/fields.h"
#include "../base/handle.h"
#include "../parameter/slots.h"

namespace torch_prune {

// Larger rates and decays may become infinite in float32, and infinity times a pruned +0 is NaN.
constexpr double kLargestRate = 1e20;

// An optimizer of named parameters. `fused` uses libtorch's one-pass kernels; otherwise each parameter is
// updated by single operators in PyTorch's order (foreach=False), bit for bit.
class OptimizerState : public OptimizerSlots {
 public:
  static constexpr std::uint64_t kTag = 3;
  static constexpr const char* kName = "optimizer";

  OptimizerState(std::vector<OptimizedParameter> parameters, bool fused)
      : OptimizerSlots(std::move(parameters)), fused_(fused) {}

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

 protected:
  bool fused() const { return fused_; }
  using Group = std::vector<OptimizedParameter*>;
  virtual void StepOne(OptimizedParameter& parameter, double lr) = 0;
  // Updates parameters that share all arguments that apply to a whole call of a fused kernel.
  virtual void StepFused(const Group& group, double lr) = 0;
  virtual void CheckRate(const OptimizedParameter& parameter, double lr) const;

 private:
  bool fused_;
};

// Make an optimizer of a kind by the rest of its description.
std::shared_ptr<OptimizerState> MakeSgd(std::vector<OptimizedParameter> parameters, const Given& spec);
std::shared_ptr<OptimizerState> MakeAdam(std::vector<OptimizedParameter> parameters, const Given& spec,
                                         bool decoupled);

using OptimizerHandle = Handle<OptimizerState>;

void RegisterOptimizer(Napi::Env env, Napi::Object exports);

}  // namespace torch_prune
