#pragma once
#include <ATen/core/Tensor.h>

#include <functional>
#include <span>

namespace torch_prune {

// For as long as this exists, batch normalizations that run on this thread share what they know of their
// batches with other processes: each has a part of the batch.
class SyncNorms {
 public:
  // Replaces each number by its sum over the processes.
  using Sum = std::function<void(std::span<double>)>;

  explicit SyncNorms(Sum sum);
  ~SyncNorms();
  SyncNorms(const SyncNorms&) = delete;
  SyncNorms& operator=(const SyncNorms&) = delete;

  // Null while there is none on this thread.
  static const SyncNorms* Current();

  const Sum sum;
  // Gradients are those of a loss in a unit of this process's own: times `unit`, they can be added to those
  // of others. Not 0.
  double unit = 1;

 private:
  const SyncNorms* const before_;
};

// Batch normalization of [N, C, ...] in training by the means and variances over the batches of all
// processes, with gradients, as torch.nn.SyncBatchNorm has it. `running_mean` and `running_var` move towards
// them by the share `momentum`. Each process calls it in the same order, backward included, while
// `SyncNorms::Current()` is there.
at::Tensor SyncedNorm(const at::Tensor& input, const at::Tensor& weight, const at::Tensor& bias,
                      const at::Tensor& running_mean, const at::Tensor& running_var, double momentum,
                      double eps);

}  // namespace torch_prune
