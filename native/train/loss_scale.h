#pragma once
#include <cstdint>

#include "../network/autocast.h"
#include "../optim/optimizer.h"

namespace torch_prune {

// Scales the loss of a training in float16, whose small gradients would be lost below 2^-24 (Micikevicius et
// al. 2018, Mixed Precision Training). It is done as torch.amp.GradScaler does it: gradients are divided by
// the scale before they are used; a step with gradients that are not finite is left out, and the scale
// halves; after many good steps in a row it doubles. For other dtypes the scale is 1 and stands still.
class LossScale {
 public:
  // The defaults of torch.amp.GradScaler: init_scale, growth_interval, and growth_factor, whose reciprocal is
  // backoff_factor. All scales are powers of two, so that scaling rounds nothing.
  static constexpr double kFirst = 65536, kFactor = 2;
  static constexpr std::int64_t kGoodSteps = 2000;
  // GradScaler has no bounds. A larger scale would save gradients below 2^-48 alone, which move no weight,
  // and a smaller one would be needed only by gradients that do not fit in float16 as they are.
  static constexpr double kLargest = 16777216, kSmallest = 1;

  // Where it stands: a checkpoint keeps it.
  struct State {
    double scale = kFirst;
    std::int64_t age = 0;  // good steps since it changed
  };

  explicit LossScale(AutocastTo autocast) : wanted_(autocast == AutocastTo::kFloat16) {}

  bool wanted() const { return wanted_; }
  const State& state() const { return state_; }
  void Load(const State& state) { state_ = state; }

  // What a loss is multiplied by before backward.
  double factor() const { return wanted_ ? state_.scale : 1; }
  // Divides gradients by the scale, and lets it follow them. False if any of them is not finite: the step is
  // to be left out. Waits for a GPU.
  bool Unscale(OptimizerState& optimizer);
  // Whether gradients were not finite at the smallest scale either: no other one will mend them.
  bool exhausted() const { return wanted_ && state_.scale < kSmallest; }

 private:
  void Follow(bool finite);

  const bool wanted_;
  State state_;
};

}  // namespace torch_prune
