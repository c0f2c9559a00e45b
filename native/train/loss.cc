#include "loss.h"

#include <ATen/ATen.h>

#include "../base/fields.h"
#include "../data/dataset.h"
#include "../network/jobs.h"

namespace torch_prune {
namespace {

// Of outputs and targets in one shape.
class Elementwise : public Loss {
 public:
  void Check(at::IntArrayRef outputs, const Targets& targets, const std::string& name) const override {
    CheckValues(targets, name);
    const at::IntArrayRef sample = outputs.slice(std::min<std::size_t>(1, outputs.size()));
    const at::IntArrayRef target = targets.shape();
    if (sample == target) return;
    const bool same_count = c10::multiply_integers(sample) == c10::multiply_integers(target);
    throw Error("ERR_SHAPE", "the network's output is " + c10::str(sample) +
                                 " for each sample, the targets of " + name + " are " + c10::str(target) +
                                 ": they must have one shape" +
                                 (same_count ? ", so reshape the targets" : ""));
  }

 protected:
  virtual void CheckValues(const Targets& targets, const std::string& name) const = 0;
};

struct BinaryOptions {
  std::optional<std::vector<double>> pos_weight;
};
const auto kBinaryFields = Fields<BinaryOptions>("binaryCrossEntropyWithLogits",
                                                 Field("posWeight", &BinaryOptions::pos_weight).AtLeast(0));

class BinaryCrossEntropy : public Elementwise {
 public:
  explicit BinaryCrossEntropy(const BinaryOptions& options) : positive_(LossFactors(options.pos_weight)) {}

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
  void MoveTo(const at::Device& device) override {
    if (positive_.defined()) positive_ = positive_.to(device);
  }

  at::Tensor positive_;  // float32 [labels] or [1]; undefined for 1
};

struct NoOptions {};
const auto kMseFields = Fields<NoOptions>("mse");
const auto kL1Fields = Fields<NoOptions>("l1");
struct HuberOptions {
  double delta = 1;
};
const auto kHuberFields =
    Fields<HuberOptions>("huber", Field("delta", &HuberOptions::delta).Over(0).Optional());

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

at::Tensor LossFactors(const std::optional<std::vector<double>>& numbers) {
  if (!numbers) return {};
  return at::tensor(at::ArrayRef<double>(*numbers), at::kFloat);
}

std::shared_ptr<Loss> Loss::Read(const Napi::Value& description, const std::string& what) {
  Given loss(description, what);
  const auto kind = loss.Take<std::string>("kind");
  if (kind == "crossEntropy") return MakeCrossEntropy(&loss);
  if (kind == "binaryCrossEntropyWithLogits")
    return std::make_shared<BinaryCrossEntropy>(kBinaryFields.Read(loss));
  const auto regression = [](const char* name, double delta, RegressionLoss::Compute compute) {
    return std::make_shared<RegressionLoss>(name, delta, compute);
  };
  if (kind == "mse") {
    kMseFields.Read(loss);
    return regression("mse", 0, [](const at::Tensor& outputs, const at::Tensor& targets, double) {
      return at::mse_loss(outputs, targets);
    });
  }
  if (kind == "l1") {
    kL1Fields.Read(loss);
    return regression("l1", 0, [](const at::Tensor& outputs, const at::Tensor& targets, double) {
      return at::l1_loss(outputs, targets);
    });
  }
  if (kind == "huber") {
    const auto [delta] = kHuberFields.Read(loss);
    return regression("huber", delta, [](const at::Tensor& outputs, const at::Tensor& targets, double d) {
      return at::huber_loss(outputs, targets, at::Reduction::Mean, d);
    });
  }
  throw Error("ERR_ARGUMENT", "there is no loss of kind '" + kind + "'");
}

std::shared_ptr<const Loss> Loss::On(std::shared_ptr<Loss> loss, const at::Device& device) {
  if (!loss) return MakeCrossEntropy(nullptr);
  loss->MoveTo(device);
  return loss;
}

std::shared_ptr<const Loss> Loss::Of(const Napi::Value& description, const at::Device& device) {
  return On(description.IsUndefined() ? nullptr : Read(description, "loss"), device);
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
