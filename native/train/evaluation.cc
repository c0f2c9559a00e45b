#include "evaluation.h"

#include <ATen/ATen.h>
#include <ATen/core/grad_mode.h>

#include <algorithm>
#include <cmath>

#include "../device/run_ahead.h"
#include "../network/autocast.h"

namespace torch_prune {
namespace {

double NonZero(const at::Tensor& values) {
  return static_cast<double>(values.count_nonzero().item<std::int64_t>());
}

}  // namespace

void Evaluation::Add(const Dataset::Batch& batch, const Network::Observer& observe) {
  const at::NoGradGuard no_grad;
  const Autocast cast(network->device(), autocast);
  const at::Tensor outputs = network->Forward(batch.images, /*training=*/false, observe).to(at::kFloat);
  if (samples == 0) loss->Check(outputs.sizes(), dataset->targets(), "the dataset");
  if (batch.targets) loss->Check(outputs.sizes(), *batch.targets, "the dataset");
  const double count = loss->Count(batch.labels);
  bool finite = true;
  if (count > 0) {
    const at::Tensor mean = loss->Forward(outputs, batch.labels);
    // A GPU is not waited for.
    finite = mean.is_cpu() && std::isfinite(mean.item<double>());
    loss_sum.Add(mean, count);
    loss_count += count;
  }
  metrics->Add(outputs, batch.labels, finite);
  samples += static_cast<double>(batch.size());
  if (activations) input_density += NonZero(batch.images);
}

Slices Evaluation::Run(Job& job) {
  const auto total = dataset->Steps(batch_size);
  const auto pass =
      dataset->Read({InOrder(std::max<std::int64_t>(dataset->size(), 0)), batch_size, network->device()});
  densities.assign(network->layers().size(), 0);
  std::vector<double> elements(densities.size(), 0);
  double input_elements = 0;
  RunAhead run_ahead(network->device());
  const Network::Observer observe = [&](int layer, const at::Tensor& output) {
    densities[layer] += NonZero(output);
    elements[layer] += static_cast<double>(output.numel());
  };
  for (std::int64_t step = 0; step != total && !(cancelled = job.Cancelled()); ++step) {
    while (!pass->Ready(job) && !job.Cancelled()) co_await kHandOver;
    {
      const auto batch = pass->Next(job);
      if (batch.size() == 0 && pass->Over()) break;
      if (batch.size() == 0) continue;
      Add(batch, activations ? observe : nullptr);
      if (activations) input_elements += static_cast<double>(batch.images.numel());
    }
    if (job.WantsReport()) {
      job.Report({static_cast<double>(step + 1), static_cast<double>(std::max<std::int64_t>(total, 0)),
                  loss_sum.Read() / std::max(loss_count, 1.0), samples, metrics->Correct()});
    }
    run_ahead.Step();
    co_await kHandOver;
  }
  loss_sum.Read();  // waits for a GPU here, so that the main thread need not
  if (samples == 0 && !job.Cancelled()) dataset->RefuseEmpty();
  input_density /= std::max(input_elements, 1.0);
  for (std::size_t i = 0; i < densities.size(); ++i) densities[i] /= std::max(elements[i], 1.0);
}

}  // namespace torch_prune
