#include "loss.h"

#include <ATen/ATen.h>

#include "../base/arguments.h"
#include "../data/dataset.h"
#include "../network/jobs.h"

namespace torch_prune {
namespace {

std::string Shape(at::IntArrayRef shape) {
  return c10::str(shape);
}

// A list of numbers on the device; undefined where the option is left out.
at::Tensor Factors(const Options& options, const char* name, const at::Device& device) {
  if (!options.Has(name)) return {};
  const auto numbers = ToNumbers(options.Get(name), name);
  return at::tensor(at::ArrayRef<double>(numbers), at::kFloat).to(device);
}

class CrossEntropy : public Loss {
 public:
  CrossEntropy() = default;
  CrossEntropy(const Options& options, const at::Device& device)
      : weight_(Factors(options, "weight", device)), smoothing_(options.Number("labelSmoothing", 0)) {
    if (options.Has("ignoreIndex")) ignored_ = options.Integer("ignoreIndex");
  }

  at::Tensor Forward(const at::Tensor& outputs, const at::Tensor& targets) const override {
    return at::cross_entropy_loss(outputs, targets, weight_, at::Reduction::Mean, ignored_.value_or(-100),
                                  smoothing_);
  }

  double Count(const at::Tensor& targets) const override {
    if (!weight_.defined() && !ignored_) return static_cast<double>(targets.numel());
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
                                   Shape(outputs.slice(std::min<std::size_t>(1, outputs.size()))) +
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
      verdict.correct += static_cast<double>(CountOnCpu(outputs.const_data_ptr<float>(),
                                                        targets.const_data_ptr<std::int64_t>(),
                                                        outputs.size(0), outputs.size(1)));
      return;
    }
    const auto [rows, classes] = ClassRows(outputs, targets, ignored_);
    if (rows.size(0) > 0) verdict.Add(static_cast<double>(rows.size(0)), rows.argmax(1).eq(classes).sum());
  }

  std::unique_ptr<Metrics> NewMetrics() const override { return ClassMetrics(ignored_); }

 private:
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
  double smoothing_ = 0;
};

// Of outputs and targets in one shape.
class Elementwise : public Loss {
 public:
  void Check(at::IntArrayRef outputs, const Targets& targets, const std::string& name) const override {
    CheckValues(targets, name);
    const at::IntArrayRef sample = outputs.slice(std::min<std::size_t>(1, outputs.size()));
    const at::IntArrayRef target = targets.shape();
    if (sample == target) return;
    const bool same_count = c10::multiply_integers(sample) == c10::multiply_integers(target);
    throw Error("ERR_SHAPE", "the network's output is " + Shape(sample) +
                                 " for each sample, the targets of " + name + " are " + Shape(target) +
                                 ": they must have one shape" +
                                 (same_count ? ", so reshape the targets" : ""));
  }

 protected:
  virtual void CheckValues(const Targets& targets, const std::string& name) const = 0;
};

class BinaryCrossEntropy : public Elementwise {
 public:
  BinaryCrossEntropy(const Options& options, const at::Device& device)
      : positive_(Factors(options, "posWeight", device)) {}

  void Check(at::IntArrayRef outputs, const Targets& targets, const std::string& name) const override {
    Elementwise::Check(outputs, targets, name);
    if (!positive_.defined() || positive_.size(0) == 1 || positive_.size(0) == outputs.back()) return;
    throw Error("ERR_SHAPE",
                "losses.binaryCrossEntropyWithLogits: posWeight must hold a number for each of the " +
                    std::to_string(outputs.back()) + " labels, got " + std::to_string(positive_.size(0)));
  }

  at::Tensor Forward(const at::Tensor& outputs, const at::Tensor& targets) const override {
    return at::binary_cross_entropy_with_logits(outputs, targets.to(at::kFloat), {}, positive_,
                                                at::Reduction::Mean);
  }

  at::Tensor Distance(const at::Tensor& outputs, const at::Tensor& taught, double temperature,
                      double weight) const override {
    const at::Tensor soft = taught / temperature;
    const at::Tensor probability = soft.sigmoid();
    const at::Tensor entropy = at::binary_cross_entropy_with_logits(soft, probability);
    const at::Tensor crossed = at::binary_cross_entropy_with_logits(outputs / temperature, probability);
    return (crossed - entropy) * (weight * temperature * temperature);
  }

  void Judge(const at::Tensor& outputs, const at::Tensor& targets, Verdict& verdict) const override {
    verdict.Add(static_cast<double>(outputs.numel()), outputs.gt(0).eq(targets.gt(0.5)).sum());
  }

  std::unique_ptr<Metrics> NewMetrics() const override { return LabelMetrics(); }

 protected:
  void CheckValues(const Targets& targets, const std::string& name) const override {
    const auto range = targets.Range();
    if (!range || !(range->first < 0 || range->second > 1)) return;
    throw Error("ERR_ARGUMENT", "binary cross-entropy takes targets in 0..1, " + name + " holds " +
                                    c10::str(range->first < 0 ? range->first : range->second));
  }

 private:
  at::Tensor positive_;  // float32 [labels] or [1]; undefined for 1
};

// Of differences between outputs and targets.
class RegressionLoss : public Elementwise {
 public:
  using Compute = at::Tensor (*)(const at::Tensor& outputs, const at::Tensor& targets, double delta);
  RegressionLoss(const char* name, double delta, Compute compute)
      : name_(name), delta_(delta), compute_(compute) {}

  at::Tensor Forward(const at::Tensor& outputs, const at::Tensor& targets) const override {
    return compute_(outputs, targets, delta_);
  }

  at::Tensor Distance(const at::Tensor& outputs, const at::Tensor& taught, double,
                      double weight) const override {
    return compute_(outputs, taught, delta_) * weight;
  }

  void Judge(const at::Tensor&, const at::Tensor&, Verdict&) const override {}
  std::unique_ptr<Metrics> NewMetrics() const override { return RegressionMetrics(); }

 protected:
  void CheckValues(const Targets& targets, const std::string& name) const override {
    if (targets.dtype() == at::kFloat) return;
    throw Error("ERR_DTYPE",
                std::string("losses.") + name_ + "() takes float targets, " + name +
                    " holds whole numbers: convert them to float32, or choose a loss of classes");
  }

 private:
  const char* name_;
  double delta_;
  Compute compute_;
};

}  // namespace

std::shared_ptr<const Loss> Loss::Of(const Napi::Value& description, const at::Device& device) {
  if (description.IsUndefined()) return std::make_shared<CrossEntropy>();
  const Options options(description, "loss");
  const std::string kind = options.String("kind");
  if (kind == "crossEntropy") return std::make_shared<CrossEntropy>(options, device);
  if (kind == "binaryCrossEntropyWithLogits") return std::make_shared<BinaryCrossEntropy>(options, device);
  if (kind == "mse") {
    return std::make_shared<RegressionLoss>("mse", 0,
                                            [](const at::Tensor& outputs, const at::Tensor& targets, double) {
                                              return at::mse_loss(outputs, targets);
                                            });
  }
  if (kind == "l1") {
    return std::make_shared<RegressionLoss>("l1", 0,
                                            [](const at::Tensor& outputs, const at::Tensor& targets, double) {
                                              return at::l1_loss(outputs, targets);
                                            });
  }
  if (kind == "huber") {
    const double delta = options.Number("delta", 1);
    if (!(delta > 0)) throw Error("ERR_ARGUMENT", "delta must be over 0, got " + c10::str(delta));
    return std::make_shared<RegressionLoss>(
        "huber", delta, [](const at::Tensor& outputs, const at::Tensor& targets, double d) {
          return at::huber_loss(outputs, targets, at::Reduction::Mean, d);
        });
  }
  throw Error("ERR_ARGUMENT", "there is no loss of kind '" + kind + "'");
}

namespace {

// lossCheck(loss, outputs, dataset, name): throws unless outputs of this shape, [...] for each sample, can be
// compared with the dataset's targets. `name` is what a message calls it.
Napi::Value Check(const Napi::CallbackInfo& info) {
  const auto loss = Loss::Of(info[0], at::kCPU);
  auto outputs = ToShape(info[1], "outputs");
  const auto dataset = DatasetHandle::Get(info[2], "dataset");
  const auto name = ToString(info[3], "name");
  outputs.insert(outputs.begin(), 1);
  loss->Check(outputs, dataset->targets(), name);
  return info.Env().Undefined();
}

}  // namespace

void RegisterLoss(Napi::Object exports) {
  Export<Check>(exports, "lossCheck");
}

}  // namespace torch_prune
