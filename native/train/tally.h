#pragma once
#include <ATen/ATen.h>

#include <utility>

namespace torch_prune {

// The loss and the right answers of a training job so far.
class Tally {
 public:
  Tally() = default;
  // Goes on from what another one had counted.
  Tally(double samples, double loss_sum, std::int64_t correct)
      : samples_(samples), loss_(loss_sum), correct_(correct) {}

  // The mean loss of a batch, its logits [N, classes] and its labels [N].
  void Add(const at::Tensor& loss, const at::Tensor& logits, const at::Tensor& labels) {
    const at::NoGradGuard no_grad;
    const std::int64_t size = labels.size(0);
    samples_ += static_cast<double>(size);
    if (logits.is_cpu() && logits.scalar_type() == at::kFloat && logits.is_contiguous()) {
      loss_ += loss.item<double>() * static_cast<double>(size);
      correct_ += CountOnCpu(logits.const_data_ptr<float>(), labels.const_data_ptr<std::int64_t>(), size,
                             logits.size(1));
      return;
    }
    // Sums stay on the device: reading them back at every step would make a GPU wait.
    const auto sum = loss.detach().to(at::kDouble) * static_cast<double>(size);
    const auto correct = logits.detach().argmax(1).eq(labels).sum();
    device_loss_ = device_loss_.defined() ? device_loss_ + sum : sum + std::exchange(loss_, 0);
    device_correct_ = device_correct_.defined() ? device_correct_ + correct : correct;
  }

  double samples() const { return samples_; }
  // Over the samples, and the mean of them.
  double LossSum() const { return device_loss_.defined() ? loss_ + device_loss_.item<double>() : loss_; }
  double Loss() const { return samples_ > 0 ? LossSum() / samples_ : 0; }
  double Correct() const {
    const auto there = device_correct_.defined() ? device_correct_.item<std::int64_t>() : 0;
    return static_cast<double>(correct_ + there);
  }

 private:
  // As argmax has it: the first of the largest, NaN over all. Four small operators would take 3% of
  // LeNet-300-100's step.
  static std::int64_t CountOnCpu(const float* logits, const std::int64_t* labels, std::int64_t samples,
                                 std::int64_t classes) {
    std::int64_t correct = 0;
    for (std::int64_t i = 0; i < samples; ++i, logits += classes) {
      std::int64_t best = 0;
      for (std::int64_t c = 1; c < classes && logits[best] == logits[best]; ++c) {
        if (!(logits[c] <= logits[best])) best = c;
      }
      correct += best == labels[i] ? 1 : 0;
    }
    return correct;
  }

  double samples_ = 0, loss_ = 0;
  std::int64_t correct_ = 0;
  at::Tensor device_loss_, device_correct_;
};

}  // namespace torch_prune
