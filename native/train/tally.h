#pragma once
#include <ATen/ATen.h>

#include <utility>

#include "loss.h"

namespace torch_prune {

// The loss and the right answers of a training job so far.
class Tally {
 public:
  Tally() = default;
  // Goes on from what another one had counted.
  Tally(double samples, double loss_sum, double loss_count, double judged, double correct)
      : samples_(samples), loss_(loss_sum), count_(loss_count), verdict_{judged, correct, {}} {}

  // A batch: its mean loss, how much that counts, its outputs and targets.
  void Add(const Loss& loss, const at::Tensor& mean, double count, const at::Tensor& outputs,
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

  double samples() const { return samples_; }
  // Over all that counts, how much that is, and the mean.
  double LossSum() const { return device_loss_.defined() ? loss_ + device_loss_.item<double>() : loss_; }
  double LossCount() const { return count_; }
  double Loss() const { return count_ > 0 ? LossSum() / count_ : 0; }
  double Judged() const { return verdict_.judged; }
  double Correct() const { return verdict_.Correct(); }

 private:
  double samples_ = 0, loss_ = 0, count_ = 0;
  Verdict verdict_;
  at::Tensor device_loss_;
};

}  // namespace torch_prune
