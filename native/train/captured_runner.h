#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "../device/graph.h"
#include "eager_runner.h"

namespace torch_prune {

// On a GPU, records the whole step, from a batch to new weights, once a few steps went by that were alike,
// and from then on launches it as one (DeviceGraph). Learning rates, random numbers, counts of steps and
// masks that are rewritten in place change under it. What cannot be recorded runs eagerly, with the same
// results.
class CapturedRunner final : public EagerRunner {
 public:
  using EagerRunner::EagerRunner;

  void Changed() override;
  Outcome Gather(const Dataset::Batch& batch, const at::Tensor& images, std::int64_t step) override;
  bool gathered() const override { return due_ || EagerRunner::gathered(); }
  void Update(double rate) override;

  std::int64_t captured() const override { return captured_; }
  std::string why_eager() const override;

 private:
  // The step, and what it reads and writes beside the network and the optimizer.
  struct Recorded {
    std::unique_ptr<DeviceGraph> graph;
    at::Tensor images, labels, taught, loss;
    Tally::Counts counts;
    RecordedStep step;
    std::vector<std::uintptr_t> stands_on;
  };

  // Why no step of this training can be recorded; null if nothing speaks against it.
  const char* Obstacle() const;
  // Where everything is, and how it is set, that a recorded step takes for granted.
  std::vector<std::uintptr_t> StandsOn() const;
  // Whether the recorded step is one for such a batch.
  bool Fits(const Dataset::Batch& batch, const at::Tensor& images) const;
  // Counts the eager steps in a row with batches of one shape; true once there are enough.
  bool WarmedUp(const Dataset::Batch& batch, const at::Tensor& images);
  void Record(const Dataset::Batch& batch, const at::Tensor& images, std::int64_t step);

  std::optional<Recorded> recorded_;
  bool due_ = false;  // the recorded step has its batch and waits for Update()
  int alike_ = 0;     // eager steps in a row with batches of one shape
  std::vector<std::int64_t> shape_;
  std::string failure_;  // why recording failed; it is not tried again
  std::int64_t captured_ = 0;
};

}  // namespace torch_prune
