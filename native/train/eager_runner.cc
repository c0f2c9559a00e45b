#include "eager_runner.h"

#include <ATen/ATen.h>

#include <cmath>
#include <optional>
#include <string>
#include <vector>

#include "../network/autocast.h"
#include "../ops/synced_norm.h"
#include "../parameter/parametrization.h"
#include "../tensor/autograd.h"

namespace torch_prune {

void EagerRunner::Begin() {
  kept_.optimizer().ZeroGrad();
  gathered_ = unit_ = 0;
}

Runner::Outcome EagerRunner::Gather(const Dataset::Batch& batch, const at::Tensor& images,
                                    std::int64_t step) {
  const auto learned = Learn(batch, images, settings_.distillation.Taught(batch, images.device()), step);
  if (!(learned.count > 0 && learned.finite)) return learned;
  tally_.Add(*settings_.loss, learned.loss, learned.count, learned.outputs, batch.labels);
  if (settings_.keep_losses) tally_.Keep(learned.loss);
  return learned;
}

EagerRunner::Learned EagerRunner::Learn(const Dataset::Batch& batch, const at::Tensor& images,
                                        const at::Tensor& taught, std::int64_t step) {
  // An optimizer that settles gradients in its step saves a pass over each of them. Those that are looked at
  // before are not to hold what a mask prunes.
  std::optional<DeferSettling> defer;
  if (kept_.optimizer().SettlesInStep() && !settings_.clip.Any() && !scale_.wanted()) defer.emplace();
  const Loss& loss = *settings_.loss;
  std::optional<SyncNorms> synced;
  if (settings_.sync_norms && group().size() > 1)
    synced.emplace([this](std::span<double> numbers) { exchange_.group().Sum(numbers); });
  Learned outcome;
  outcome.outputs = Outputs(images);
  Check(outcome.outputs, batch, step);
  outcome.count = loss.Count(batch.labels);
  const bool counts = outcome.count > 0;  // some class of it does
  if (!counts && !synced) return {};
  // Batches of one size are summed as they are, but for their scale.
  if (unit_ == 0) unit_ = counts ? outcome.count : 1;
  if (synced) synced->unit = unit_;
  exchange_.BeforeBackward(kept_.optimizer().parameters(), unit_, gathered_ + outcome.count);
  if (!counts) {
    // The samples of the others are normalized by these, too.
    Backward(outcome.outputs.sum() * 0, {}, /*retain_graph=*/false, /*create_graph=*/false);
    return {};
  }
  outcome.loss =
      settings_.distillation.Mix(loss, loss.Forward(outcome.outputs, batch.labels), outcome.outputs, taught);
  // A GPU is not waited for: there the sum of all losses shows it later.
  outcome.finite = !outcome.loss.is_cpu() || std::isfinite(outcome.loss.item<double>());
  if (!outcome.finite) return outcome;
  const double factor = scale_.factor() * (outcome.count / unit_);
  Backward(factor == 1 ? outcome.loss : outcome.loss * factor, {},
           /*retain_graph=*/false, /*create_graph=*/false);
  gathered_ += outcome.count;
  return outcome;
}

void EagerRunner::Update(double rate) {
  if (FinishGradients()) kept_.optimizer().Step(rate);
}

bool EagerRunner::FinishGradients() {
  if (!AverageGradients() || !scale_.Unscale(kept_.optimizer())) return false;
  if (settings_.clip.Any()) ClipGradients(kept_.optimizer(), settings_.clip);
  return true;
}

// In float32, as is the loss of them.
at::Tensor EagerRunner::Outputs(const at::Tensor& images) const {
  auto& network = *settings_.network;
  const Autocast cast(network.device(), settings_.autocast);
  const int last = static_cast<int>(network.layers().size()) - 1;
  return network.Run(settings_.after, images, last, /*training=*/true, nullptr, &kept_.layers())
      .to(at::kFloat);
}

void EagerRunner::Check(const at::Tensor& outputs, const Dataset::Batch& batch, std::int64_t step) {
  const Loss& loss = *settings_.loss;
  if (!std::exchange(checked_, true)) {
    loss.Check(outputs.sizes(), settings_.dataset->targets(), "the dataset");
    settings_.distillation.Check(outputs.sizes());
    if (!outputs.requires_grad()) {
      throw Error("ERR_ARGUMENT", "there is nothing to train: every layer is frozen, or has no parameters");
    }
  }
  if (batch.targets) loss.Check(outputs.sizes(), *batch.targets, "batch " + std::to_string(step + 1));
}

bool EagerRunner::AverageGradients() {
  if (group().size() > 1) return exchange_.Finish(kept_.optimizer().parameters(), unit_, gathered_) > 0;
  if (unit_ != gathered_) kept_.optimizer().ScaleGradients(unit_ / gathered_);
  return true;
}

}  // namespace torch_prune
