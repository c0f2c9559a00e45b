#pragma once
#include "gradient_exchange.h"
#include "kept_layers.h"
#include "loss_scale.h"
#include "runner.h"
#include "settings.h"
#include "tally.h"

namespace torch_prune {

// Runs each operator as it comes.
class EagerRunner : public Runner {
 public:
  // All of them must outlive it.
  EagerRunner(const TrainerSettings& settings, GradientExchange& exchange, Tally& tally,
              const KeptLayers& kept, LossScale& scale)
      : settings_(settings), exchange_(exchange), tally_(tally), kept_(kept), scale_(scale) {}

  void Begin() override;
  Outcome Gather(const Dataset::Batch& batch, const at::Tensor& images, std::int64_t step) override;
  bool gathered() const override { return gathered_ > 0; }
  void Update(double rate) override;

 protected:
  // What of a step lies on a batch's way from its images to gradients.
  struct Learned : Outcome {
    at::Tensor outputs;  // float32 [n, ...]
  };
  Learned Learn(const Dataset::Batch& batch, const at::Tensor& images, const at::Tensor& taught,
                std::int64_t step);
  // What of it comes between gradients and the optimizer; false if the optimizer is to do nothing: no process
  // has gathered any, or they are not finite in float16.
  bool FinishGradients();

  const TrainerSettings& settings() const { return settings_; }
  const ProcessGroup& group() const { return exchange_.group(); }
  Tally& tally() { return tally_; }

 private:
  at::Tensor Outputs(const at::Tensor& images) const;
  void Check(const at::Tensor& outputs, const Dataset::Batch& batch, std::int64_t step);
  // Turns the sums of gradients into means, over all processes; false if there are none.
  bool AverageGradients();

  const TrainerSettings& settings_;
  GradientExchange& exchange_;
  Tally& tally_;
  const KeptLayers& kept_;
  LossScale& scale_;
  bool checked_ = false;  // the network's output
  // How much the first batch counts, in whose unit gradients are summed, and all of them.
  double unit_ = 0, gathered_ = 0;
};

}  // namespace torch_prune
