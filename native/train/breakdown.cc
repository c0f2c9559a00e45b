#include "breakdown.h"

#include <ATen/ATen.h>
#include <ATen/core/grad_mode.h>

#include "../network/autocast.h"

namespace torch_prune {
namespace {

// In what the batch brings: its samples, its targets, what the teacher says about them.
std::optional<Breakdown> InBatch(const Dataset::Batch& batch, const at::Tensor& teacher) {
  const auto sample_of = [&](const NonFinite& found, const at::Tensor& values) {
    return batch.indices[static_cast<std::size_t>(found.first / (values.numel() / batch.size()))];
  };
  if (const auto found = FindNonFinite(batch.images); found.any())
    return Breakdown{"sample", "", sample_of(found, batch.images), found};
  if (const auto found = FindNonFinite(batch.labels); found.any())
    return Breakdown{"target", "", sample_of(found, batch.labels), found};
  if (!teacher.defined()) return {};
  for (const auto sample : batch.indices) {
    if (const auto found = FindNonFinite(teacher.select(0, sample)); found.any())
      return Breakdown{"teacher", "", sample, found};
  }
  return {};
}

// In the outputs of layers.
std::optional<Breakdown> InLayers(const TrainerSettings& settings, const at::Tensor& images) {
  auto& network = *settings.network;
  const Autocast cast(network.device(), settings.autocast);
  std::optional<Breakdown> broken;
  network.Run(settings.after, images, static_cast<int>(network.layers().size()) - 1, /*training=*/false,
              [&](int layer, const at::Tensor& output) {
                if (broken) return;
                if (const auto found = FindNonFinite(output); found.any())
                  broken = Breakdown{"layer", network.layers()[layer]->name, -1, found, output.numel()};
              });
  return broken;
}

}  // namespace

std::optional<Breakdown> Breakdown::InTensors(const Network& network) {
  for (const auto& [name, tensor, layer, parameter] : network.tensors()) {
    if (const auto found = FindNonFinite(tensor); found.any())
      return Breakdown{"tensor", name, -1, found, tensor.numel()};
  }
  return {};
}

Breakdown Breakdown::InGradients(const OptimizerState& optimizer) {
  const at::NoGradGuard no_grad;
  for (const auto& p : optimizer.parameters()) {
    const at::Tensor& gradient = p.tensor.grad();
    if (!gradient.defined()) continue;
    if (const auto found = FindNonFinite(gradient); found.any())
      return Breakdown{"gradient", p.name, -1, found, gradient.numel()};
  }
  return {"loss"};
}

Breakdown Breakdown::Of(const TrainerSettings& settings, const Dataset::Batch& batch,
                        const at::Tensor& images) {
  const at::NoGradGuard no_grad;
  if (const auto broken = InBatch(batch, settings.distillation.teacher)) return *broken;
  if (const auto broken = InTensors(*settings.network)) return *broken;
  if (const auto broken = InLayers(settings, images)) return *broken;
  return {"loss"};
}

Napi::Object Breakdown::ToObject(Napi::Env env) const {
  auto cause = found.ToObject(env);
  cause.Set("what", what);
  cause.Set("name", name);
  cause.Set("sample", static_cast<double>(sample));
  cause.Set("count", static_cast<double>(count));
  return cause;
}

}  // namespace torch_prune
