#pragma once
#include <ATen/core/Tensor.h>

#include <cstdint>
#include <string>

#include "../data/dataset.h"

namespace torch_prune {

// Computes the steps of a training, and adds them to its tally. The gradients of one batch or more are
// gathered, and then make one update of the weights: Begin(), Gather() for each batch, Update(). What is
// eager or captured is the runner's own affair, and its results do not depend on it.
class Runner {
 public:
  virtual ~Runner() = default;
  Runner() = default;
  Runner(const Runner&) = delete;
  Runner& operator=(const Runner&) = delete;

  struct Outcome {
    at::Tensor loss;     // the mean over the batch; undefined where only the GPU knows it yet
    double count = 0;    // how much it counts (Loss::Count); with 0, the batch is left out
    bool finite = true;  // false if the loss is known not to be a number; its gradients are left out then
  };

  // Since the last step, parameters may have moved or have other masks: a run begins, or was spliced.
  virtual void Changed() {}
  // Lets go of all gradients.
  virtual void Begin() = 0;
  // Adds the gradients of a batch that is not empty. `images` are its images as the network sees them, and
  // `step` is its place in the epoch.
  virtual Outcome Gather(const Dataset::Batch& batch, const at::Tensor& images, std::int64_t step) = 0;
  // Whether there are gradients since Begin().
  virtual bool gathered() const = 0;
  // Updates the weights by the mean of what was gathered.
  virtual void Update(double rate) = 0;

  // How many steps were captured, and why the others were not, where there is a reason.
  virtual std::int64_t captured() const { return 0; }
  virtual std::string why_eager() const { return {}; }
};

}  // namespace torch_prune
