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
  loss_.Restart(totals.loss_sum);
  count_ = totals.loss_count;
  verdict_.judged = totals.judged;
  verdict_.correct.Restart(totals.correct);
  losses_.clear();
}

Tally::Counts Tally::AddSums(const Loss& loss, const at::Tensor& mean, double count,
                             const at::Tensor& outputs, const at::Tensor& targets) {
  const at::NoGradGuard no_grad;
  const double judged = verdict_.judged;
  loss.Judge(outputs, targets, verdict_);
  const Counts counts{static_cast<double>(targets.size(0)), count, verdict_.judged - judged};
  verdict_.judged = judged;
  loss_.Add(mean, count);
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
  return {samples_, loss_.Read(), count_, verdict_.judged, verdict_.correct.Read()};
}

}  // namespace torch_prune
