#include <ATen/ATen.h>

#include "../base/fields.h"
#include "loss.h"

namespace torch_prune {
namespace {

struct CrossEntropyOptions {
  std::optional<std::vector<double>> weight;
  std::optional<std::int64_t> ignore_index;
  double label_smoothing = 0;
};
const auto kCrossEntropyFields = Fields<CrossEntropyOptions>(
    "crossEntropy", Field("weight", &CrossEntropyOptions::weight).AtLeast(0),
    Field("ignoreIndex", &CrossEntropyOptions::ignore_index),
    Field("labelSmoothing", &CrossEntropyOptions::label_smoothing).Within(0, 1).Optional());

class CrossEntropy : public Loss {
 public:
  explicit CrossEntropy(const CrossEntropyOptions& options)
      : weight_(LossFactors(options.weight)),
        ignored_(options.ignore_index),
        smoothing_(options.label_smoothing) {}

  at::Tensor Forward(const at::Tensor& outputs, const at::Tensor& targets) const override {
    return at::cross_entropy_loss(outputs, targets, weight_, at::Reduction::Mean, ignored_.value_or(-100),
                                  smoothing_);
  }

  bool CountIsFixed() const override { return !weight_.defined() && !ignored_; }

  double Count(const at::Tensor& targets) const override {
    if (CountIsFixed()) return static_cast<double>(targets.numel());
    at::Tensor classes = targets.flatten();
    if (ignored_) classes = classes.index({classes.ne(*ignored_)});
    if (!weight_.defined()) return static_cast<double>(classes.size(0));
    return weight_.index_select(0, classes).sum(at::kDouble).item<double>();
  }

  at::Tensor Distance(const at::Tensor& outputs, const at::Tensor& taught, double temperature,
                      double weight) const override {
    const at::Tensor soft_targets = taught.div(temperature).softmax(1);
    const at::Tensor entropy = at::xlogy(soft_targets, soft_targets).sum(1).mean();
    const at::Tensor soft = entropy - (outputs / temperature).log_softmax(1).mul(soft_targets).sum(1).mean();
    // The square of the temperature keeps the two gradients on one scale (Hinton, Vinyals and Dean 2015,
    // section 2.1).
    return soft * (weight * temperature * temperature);
  }

  void Check(at::IntArrayRef outputs, const Targets& targets, const std::string& name) const override {
    if (targets.dtype() != at::kLong) {
      throw Error("ERR_DTYPE", "cross-entropy takes classes as labels, " + name +
                                   " holds float targets: choose another loss, such as losses.mse()");
    }
    if (outputs.size() < 2 || outputs.slice(2) != at::IntArrayRef(targets.shape())) {
      const bool single = targets.shape().empty();
      throw Error("ERR_SHAPE", "the output of the network must be [classes" +
                                   (single ? std::string() : ", " + c10::Join(", ", targets.shape())) +
                                   "] for each sample, got " +
                                   c10::str(outputs.slice(std::min<std::size_t>(1, outputs.size()))) +
                                   (single ? ": end it with flatten() and linear()"
                                           : ": " + name + " has a label in each of these places"));
    }
    const auto classes = outputs[1];
    if (weight_.defined() && weight_.size(0) != classes) {
      throw Error("ERR_SHAPE", "losses.crossEntropy: weight must hold a number for each of the network's " +
                                   std::to_string(classes) + " classes, got " +
                                   std::to_string(weight_.size(0)));
    }
    // On CUDA, a class without an output would end the whole context.
    const auto range = targets.Range(ignored_);
    if (range && range->first < 0) {
      throw Error("ERR_ARGUMENT",
                  name + " has a label " + Label(range->first) +
                      ": labels are 0 or more; losses.crossEntropy({ ignoreIndex }) passes one over");
    }
    if (range && range->second >= static_cast<double>(classes)) {
      throw Error("ERR_ARGUMENT", name + " has a label " + Label(range->second) +
                                      ", the network has outputs for " + std::to_string(classes) +
                                      " classes: give it one for each");
    }
    if (!range && targets.Range()) {
      throw Error("ERR_ARGUMENT", "every label of " + name + " is ignored: nothing is left to learn from");
    }
  }

  void Judge(const at::Tensor& outputs, const at::Tensor& targets, Verdict& verdict) const override {
    if (!ignored_ && outputs.dim() == 2 && outputs.is_cpu() && outputs.scalar_type() == at::kFloat &&
        outputs.is_contiguous()) {
      verdict.judged += static_cast<double>(outputs.size(0));
      verdict.correct.Add(static_cast<double>(CountOnCpu(outputs.const_data_ptr<float>(),
                                                         targets.const_data_ptr<std::int64_t>(),
                                                         outputs.size(0), outputs.size(1))));
      return;
    }
    const auto [rows, classes] = ClassRows(outputs, targets, ignored_);
    if (rows.size(0) > 0) verdict.Add(static_cast<double>(rows.size(0)), rows.argmax(1).eq(classes).sum());
  }

  std::unique_ptr<Metrics> NewMetrics() const override { return ClassMetrics(ignored_); }

 private:
  void MoveTo(const at::Device& device) override {
    if (weight_.defined()) weight_ = weight_.to(device);
  }

  static std::string Label(double label) { return std::to_string(static_cast<std::int64_t>(label)); }

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

  at::Tensor weight_;  // float32 [classes]; undefined for equal ones
  std::optional<std::int64_t> ignored_;
  double smoothing_;
};

}  // namespace

std::shared_ptr<Loss> MakeCrossEntropy(const Given* loss) {
  return std::make_shared<CrossEntropy>(loss == nullptr ? CrossEntropyOptions{}
                                                        : kCrossEntropyFields.Read(*loss));
}

}  // namespace torch_prune
