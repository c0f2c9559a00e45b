#include "tally.h"

#include <ATen/ATen.h>
#include <ATen/core/grad_mode.h>

#include <array>
#include <utility>

namespace torch_prune {

void Totals::Put(Napi::Object result) const {
  result.Set("samples", samples);
  result.Set("lossSum", loss_sum);
  result.Set("lossCount", loss_count);
  result.Set("judged", judged);
  result.Set("correct", correct);
}

Totals Totals::Over(ProcessGroup& group) const {
  std::array sums{samples, loss_sum, loss_count, judged, correct};
  group.Sum(sums);
  return {sums[0], sums[1], sums[2], sums[3], sums[4]};
}

void Tally::Add(const Loss& loss, const at::Tensor& mean, double count, const at::Tensor& outputs,
                const at::Tensor& targets) {
  const at::NoGradGuard no_grad;
  samples_ += static_cast<double>(targets.size(0));
  count_ += count;
  loss.Judge(outputs, targets, verdict_);
  if (mean.is_cpu()) {
    loss_ += mean.item<double>() * count;
    return;
  }
  // Sums stay on the device: reading them back at every step would make a GPU wait.
  const auto sum = mean.detach().to(at::kDouble) * count;
  device_loss_ = device_loss_.defined() ? device_loss_ + sum : sum + std::exchange(loss_, 0);
}

Totals Tally::totals() const {
  const double loss = device_loss_.defined() ? loss_ + device_loss_.item<double>() : loss_;
  return {samples_, loss, count_, verdict_.judged, verdict_.Correct()};
}

}  // namespace torch_prune
