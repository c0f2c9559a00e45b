#include "epoch.h"

#include <ATen/ATen.h>

#include <string>

#include "../base/arguments.h"

namespace torch_prune {

Epoch Epoch::Of(const Options& options, const TrainerSettings& settings) {
  Epoch epoch;
  if (options.Has("order")) epoch.order = ToIntegers(options.Get("order"), "order");
  epoch.seed = static_cast<std::uint64_t>(options.Integer("seed", 0));
  if (options.Has("size")) epoch.size = ToIntegers(options.Get("size"), "size");
  epoch.rates = ToNumbers(options.Get("rates"), "rates");
  if (options.Has("averageWeights"))
    epoch.average_weights = ToNumbers(options.Get("averageWeights"), "averageWeights");
  if (options.Has("splicing")) {
    const auto splicing = kSplicingFields.Read(Given::Inside(options.Get("splicing"), "splicing"));
    epoch.splicing = std::make_unique<SplicingPlan>(*settings.network, splicing);
  }
  epoch.most_steps = options.Integer("steps", epoch.most_steps);
  if (epoch.most_steps < 1) throw Error("ERR_ARGUMENT", "steps must be 1 or more");
  epoch.pause_after = options.Number("pauseAfter", epoch.pause_after);
  epoch.Check(settings);
  return epoch;
}

void Epoch::Check(const TrainerSettings& settings) const {
  if (!size.empty()) {
    if (size.size() != 2 || size[0] < 1 || size[1] < 1)
      throw Error("ERR_ARGUMENT", "size must be a height and a width of 1 or more");
    if (settings.dataset->sample().size() != 3)
      throw Error("ERR_SHAPE", "size is for images [channels, height, width]");
  }
  const auto steps = Steps(settings);
  if (steps == 0) throw Error("ERR_ARGUMENT", "dropLast leaves no batch: lower batchSize, or leave it out");
  if (steps < 0 && (rates.size() != 1 || !settings.averages.empty() || splicing)) {
    throw Error("ERR_ARGUMENT",
                "schedules, averaging and splicing need to know the steps of an epoch: give `batches`");
  }
  if (rates.size() != 1 && static_cast<std::int64_t>(rates.size()) < steps) {
    throw Error("ERR_ARGUMENT", "rates must hold one learning rate, or one for each of the " +
                                    std::to_string(steps) + " steps");
  }
  if (!settings.averages.empty() && static_cast<std::int64_t>(average_weights.size()) < steps) {
    throw Error("ERR_ARGUMENT",
                "averageWeights must hold a number for each of the " + std::to_string(steps) + " steps");
  }
}

std::int64_t Epoch::Steps(const TrainerSettings& settings) const {
  if (order.empty()) return settings.dataset->Steps(settings.batch_size, settings.drop_last);
  const auto samples = static_cast<std::int64_t>(order.size());
  return settings.drop_last ? samples / settings.batch_size : Batches(samples, settings.batch_size);
}

// As torch.nn.functional.interpolate(mode="bilinear", antialias=True).
at::Tensor Epoch::Resized(const at::Tensor& images) const {
  return size.empty() ? images : at::_upsample_bilinear2d_aa(images, size, /*align_corners=*/false);
}

}  // namespace torch_prune
