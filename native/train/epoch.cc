#include "epoch.h"

#include <ATen/ATen.h>

#include <array>
#include <optional>
#include <string>
#include <utility>

namespace torch_prune {

namespace {

struct EpochOptions {
  std::vector<double> rates;
  std::uint64_t seed = 0;
  std::vector<std::int64_t> order;
  std::optional<std::array<std::int64_t, 2>> size;
  std::vector<double> average_weights;
  std::optional<SplicingOptions> splicing;
  std::optional<std::int64_t> steps;
  std::optional<double> pause_after;
};
const auto kEpochFields = Fields<EpochOptions>(
    "epoch", Field("rates", &EpochOptions::rates), Field("seed", &EpochOptions::seed).Optional(),
    Field("order", &EpochOptions::order).Optional(), Field("size", &EpochOptions::size).AtLeast(1),
    Field("averageWeights", &EpochOptions::average_weights).Optional(),
    Field("splicing", &EpochOptions::splicing, kSplicingFields),
    Field("steps", &EpochOptions::steps).AtLeast(1), Field("pauseAfter", &EpochOptions::pause_after));

}  // namespace

Epoch Epoch::Of(const Napi::Value& given, const TrainerSettings& settings) {
  auto options = kEpochFields.Read(given, "options");
  Epoch epoch;
  epoch.order = std::move(options.order);
  epoch.seed = options.seed;
  if (options.size) epoch.size.assign(options.size->begin(), options.size->end());
  epoch.rates = std::move(options.rates);
  epoch.average_weights = std::move(options.average_weights);
  if (options.splicing) epoch.splicing = std::make_unique<SplicingPlan>(*settings.network, *options.splicing);
  if (options.steps) epoch.most_steps = *options.steps;
  if (options.pause_after) epoch.pause_after = *options.pause_after;
  epoch.Check(settings);
  return epoch;
}

void Epoch::Check(const TrainerSettings& settings) const {
  if (!size.empty() && settings.dataset->sample().size() != 3)
    throw Error("ERR_SHAPE", "size is for images [channels, height, width]");
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
