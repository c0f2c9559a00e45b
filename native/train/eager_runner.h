#pragma once
#include "process_group.h"
#include "runner.h"
#include "settings.h"

namespace torch_prune {

// Runs each operator as it comes.
class EagerRunner final : public Runner {
 public:
  // The settings and the group must outlive it.
  EagerRunner(const TrainerSettings& settings, ProcessGroup& group) : settings_(settings), group_(group) {}

  void Begin() override;
  Outcome Gather(const Dataset::Batch& batch, const at::Tensor& images, std::int64_t step) override;
  bool gathered() const override { return gathered_ > 0; }
  void Update(double rate) override;

 private:
  at::Tensor Outputs(const at::Tensor& images) const;
  void Check(const at::Tensor& outputs, const Dataset::Batch& batch, std::int64_t step);
  // Turns the sums of gradients into means, over all processes.
  void AverageGradients();

  const TrainerSettings& settings_;
  ProcessGroup& group_;
  bool checked_ = false;  // the network's output
  // How much the first batch counts, in whose unit gradients are summed, and all of them.
  double unit_ = 0, gathered_ = 0;
};

}  // namespace torch_prune
