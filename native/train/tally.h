#pragma once
#include <ATen/core/Tensor.h>
#include <napi.h>

#include "loss.h"
#include "metrics.h"
#include "process_group.h"

namespace torch_prune {

// What the steps of an epoch came to.
struct Totals {
  double samples = 0;
  double loss_sum = 0;    // of the mean losses of batches, each multiplied by its count
  double loss_count = 0;  // of the counts of batches
  double judged = 0, correct = 0;

  void Put(Napi::Object result) const;

  // The mean loss.
  double Loss() const { return loss_count > 0 ? loss_sum / loss_count : 0; }
  // Those of all processes together.
  Totals Over(ProcessGroup& group) const;
};

// Counts the totals while training runs.
class Tally {
 public:
  // Continues from what was counted before.
  explicit Tally(const Totals& totals = {})
      : samples_(totals.samples),
        loss_(totals.loss_sum),
        count_(totals.loss_count),
        verdict_{totals.judged, totals.correct, {}} {}

  // Adds a batch: its mean loss, how much that counts, its outputs and targets.
  void Add(const Loss& loss, const at::Tensor& mean, double count, const at::Tensor& outputs,
           const at::Tensor& targets);
  double samples() const { return samples_; }
  // Reads back what is on a GPU, which waits for it.
  Totals totals() const;

 private:
  double samples_ = 0, loss_ = 0, count_ = 0;
  Verdict verdict_;
  at::Tensor device_loss_;
};

}  // namespace torch_prune
