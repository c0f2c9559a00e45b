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

void Tally::Restart(const Totals& totals) {
  samples_ = totals.samples;
  loss_ = totals.loss_sum;
  count_ = totals.loss_count;
  verdict_.judged = totals.judged;
  verdict_.correct = totals.correct;
  losses_.clear();
  const at::NoGradGuard no_grad;
  for (const auto& sum : {device_loss_, verdict_.on_device})
    if (sum.defined()) sum.zero_();
}

Tally::Counts Tally::Sum(const Loss& loss, const at::Tensor& mean, double count, const at::Tensor& outputs,
                         const at::Tensor& targets) {
  const at::NoGradGuard no_grad;
  const double judged = verdict_.judged;
  loss.Judge(outputs, targets, verdict_);
  const Counts counts{static_cast<double>(targets.size(0)), count, verdict_.judged - judged};
  verdict_.judged = judged;
  if (mean.is_cpu()) {
    loss_ += mean.item<double>() * count;
  } else {
    if (!device_loss_.defined()) device_loss_ = at::zeros({}, mean.options().dtype(at::kDouble));
    device_loss_.add_(mean.detach(), count);
  }
  return counts;
}

void Tally::Add(const Counts& counts) {
  samples_ += counts.samples;
  count_ += counts.count;
  verdict_.judged += counts.judged;
}

std::vector<float> Tally::TakeLosses() {
  if (losses_.empty()) return {};
  const at::Tensor all = at::stack(std::exchange(losses_, {})).to(at::kCPU, at::kFloat);
  return {all.const_data_ptr<float>(), all.const_data_ptr<float>() + all.numel()};
}

Totals Tally::totals() const {
  const double loss = device_loss_.defined() ? loss_ + device_loss_.item<double>() : loss_;
  return {samples_, loss, count_, verdict_.judged, verdict_.Correct()};
}

}  // namespace torch_prune
