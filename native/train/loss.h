#pragma once
#include <ATen/core/Tensor.h>
#include <napi.h>

#include <memory>
#include <string>
#include <vector>

#include "../data/targets.h"
#include "metrics.h"

namespace torch_prune {

// What training makes small, by PyTorch's formulas, and how the network's outputs are judged beside it.
class Loss {
 public:
  // The loss that lib/train/losses.ts describes, {kind, ...}, for outputs on a device. Cross-entropy where
  // the description is undefined.
  static std::shared_ptr<const Loss> Of(const Napi::Value& description, const at::Device& device);

  virtual ~Loss() = default;
  Loss() = default;
  Loss(const Loss&) = delete;
  Loss& operator=(const Loss&) = delete;

  // The mean over a batch: of outputs in float32 [n, ...] and targets as the dataset brings them.
  virtual at::Tensor Forward(const at::Tensor& outputs, const at::Tensor& targets) const = 0;
  // How much the mean of a batch counts beside those of others: its samples, or the weights of its classes. 0
  // where nothing of it counts: its mean is not a number then.
  virtual double Count(const at::Tensor& targets) const { return static_cast<double>(targets.size(0)); }
  // How far outputs are from what a teacher says of the same samples, 0 where they are equal, times `weight`.
  virtual at::Tensor Distance(const at::Tensor& outputs, const at::Tensor& taught, double temperature,
                              double weight) const = 0;

  // Throws unless outputs of this shape, [n, ...], can be compared with such targets. `name` is what a
  // message calls their dataset.
  virtual void Check(at::IntArrayRef outputs, const Targets& targets, const std::string& name) const = 0;

  // Adds the right answers of a batch.
  virtual void Judge(const at::Tensor& outputs, const at::Tensor& targets, Verdict& verdict) const = 0;
  virtual std::unique_ptr<Metrics> NewMetrics() const = 0;
};

}  // namespace torch_prune
