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

// A step that was recorded, to be launched again and again (DeviceGraph): what changes from one to the next
// is read from the device.
struct RecordedStep {
  struct Count {
    const OptimizedParameter* of;  // one of those that have done as many steps
    at::Tensor steps;              // float32 []
    std::int64_t there;            // what it holds
  };
  at::Tensor lr;  // float32 []
  double lr_there = -1;
  std::vector<Count> counts;
};

// A learning rate: a number, or one that a recorded step reads.
struct Rate {
  double value = 0;
  at::Tensor recorded;  // float32 [] on the device; undefined for `value`
};

// An optimizer of named parameters. `fused` uses libtorch's one-pass kernels; otherwise each parameter is
// updated by single operators in PyTorch's order (foreach=False), bit for bit.
class OptimizerState : public OptimizerSlots {
 public:
  static constexpr std::uint64_t kTag = 3;
  static constexpr const char* kName = "optimizer";

  OptimizerState(std::vector<OptimizedParameter> parameters, bool fused)
      : OptimizerSlots(std::move(parameters)), fused_(fused) {}

  bool fused() const { return fused_; }
  // The same optimizer of other parameters.
  virtual std::shared_ptr<OptimizerState> Over(std::vector<OptimizedParameter> parameters) const = 0;
  // Updates every parameter that has a gradient once. Throws, without changing anything, for a rate that
  // would leave anything but +0 where weights are pruned.
  void Step(double lr);

  // Whether a step can be recorded: it is fused, and everything that it needs is there since the last one.
  bool CanRecord() const;
  // What a recorded step needs, made before it is recorded.
  RecordedStep Prepare() const;
  // Does, while a step is recorded, what Step() does, but counts nothing.
  void Step(RecordedStep& recorded);
  // Counts a step that is about to be launched again, with this learning rate. Throws as Step() does.
  void Count(RecordedStep& recorded, double lr);
  // Whether a step settles gradients (Parametrization::Settle) by itself, so that they need not be settled
  // before.
  virtual bool SettlesInStep() const { return false; }
  // Settles gradients, for callers that may have changed them since backward.
  void SettleGradients();
  void ZeroGrad();
  void ScaleGradients(double factor);

 protected:
  using Group = std::vector<OptimizedParameter*>;
  virtual void StepOne(OptimizedParameter& parameter, double lr) = 0;
  // Updates parameters that share all arguments that apply to a whole call of a fused kernel. `steps` is
  // their count of steps, this one included: float32 [], undefined where it is to be made of theirs.
  virtual void StepFused(const Group& group, const Rate& lr, const at::Tensor& steps) = 0;
  virtual void CheckRate(const OptimizedParameter& parameter, double lr) const;

 private:
  // The parameters that have a gradient.
  Group Stepping();
  void Begin(OptimizedParameter& parameter) const;
  void End(const Group& stepping) const;

  bool fused_;
};

// Make an optimizer of a kind by the rest of its description.
std::shared_ptr<OptimizerState> MakeSgd(std::vector<OptimizedParameter> parameters, const Given& spec);
std::shared_ptr<OptimizerState> MakeAdam(std::vector<OptimizedParameter> parameters, const Given& spec,
                                         bool decoupled);

using OptimizerHandle = Handle<OptimizerState>;

void RegisterOptimizer(Napi::Env env, Napi::Object exports);

}  // namespace torch_prune
