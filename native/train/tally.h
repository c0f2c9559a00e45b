#pragma once
#include <ATen/core/Tensor.h>
#include <napi.h>

#include <vector>

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

// Counts the totals while training runs. On a GPU the sums stay there, in one place: reading them back at
// every step would make it wait, and a recorded step adds to them where they lie.
class Tally {
 public:
  // What is known of a batch without its outputs.
  struct Counts {
    double samples = 0;
    double count = 0;  // how much its mean loss counts
    double judged = 0;
  };

  // Continues from what was counted before.
  void Restart(const Totals& totals);
  // Adds a batch: its mean loss, how much that counts, its outputs and targets.
  void Add(const Loss& loss, const at::Tensor& mean, double count, const at::Tensor& outputs,
           const at::Tensor& targets) {
    Add(AddSums(loss, mean, count, outputs, targets));
  }
  // The two halves of that: the sums, which lie where the outputs are, and the counts.
  Counts AddSums(const Loss& loss, const at::Tensor& mean, double count, const at::Tensor& outputs,
                 const at::Tensor& targets);
  void Add(const Counts& counts);
  // Keeps the loss of a step, and hands over those that were kept.
  void Keep(const at::Tensor& loss) { losses_.push_back(loss.detach().clone()); }
  std::vector<float> TakeLosses();

  double samples() const { return samples_; }
  // Reads back what is on a GPU, which waits for it.
  Totals totals() const;

 private:
  double samples_ = 0, count_ = 0;
  Sum loss_;
  Verdict verdict_;
  std::vector<at::Tensor> losses_;
};

}  // namespace torch_prune
