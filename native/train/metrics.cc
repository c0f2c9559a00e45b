#include "metrics.h"

#include <ATen/ATen.h>

#include <algorithm>

namespace torch_prune {
namespace {

class Classes : public Metrics {
 public:
  explicit Classes(std::optional<std::int64_t> ignored) : ignored_(ignored) {}

  void Add(const at::Tensor& outputs, const at::Tensor& targets, bool finite) override {
    const auto [rows, classes] = ClassRows(outputs, targets, ignored_);
    if (rows.size(0) == 0) return;
    const auto best = std::get<1>(rows.topk(std::min<std::int64_t>(5, rows.size(1)), 1));
    auto hits = best.eq(classes.unsqueeze(1));
    // Where an output is not a number, no order of the classes says anything.
    if (!finite) hits = hits.logical_and(rows.isfinite().all(1, /*keepdim=*/true));
    judged_ += static_cast<double>(rows.size(0));
    correct_.Add(hits.select(1, 0).sum());
    correct5_.Add(hits.sum());
  }

  void Put(Napi::Object result) const override {
    result.Set("kind", "classes");
    result.Set("judged", judged_);
    result.Set("correct", correct_.Read());
    result.Set("correct5", correct5_.Read());
  }

  double Correct() const override { return correct_.Read(); }

 private:
  std::optional<std::int64_t> ignored_;
  double judged_ = 0;
  Sum correct_, correct5_;
};

class Labels : public Metrics {
 public:
  void Add(const at::Tensor& outputs, const at::Tensor& targets, bool) override {
    const auto said = outputs.flatten(1).gt(0);
    const auto there = targets.flatten(1).gt(0.5);
    const auto finite = outputs.flatten(1).isfinite();
    const auto right = said.eq(there).logical_and(finite);
    samples_ += static_cast<double>(right.size(0));
    judged_ += static_cast<double>(right.numel());
    correct_.Add(right.sum());
    exact_.Add(right.all(1).sum());
    const auto count = [](at::Tensor& sum, const at::Tensor& where) {
      const auto more = where.sum(0).to(at::kDouble);
      sum = sum.defined() ? sum + more : more;
    };
    // A label whose output is not a number is neither found nor falsely found: it is missed where it is
    // there.
    const auto found = said.logical_and(finite);
    count(both_, found.logical_and(there));
    count(found_, found);
    count(there_, there);
  }

  void Put(Napi::Object result) const override {
    result.Set("kind", "labels");
    result.Set("samples", samples_);
    result.Set("judged", judged_);
    result.Set("correct", correct_.Read());
    result.Set("exact", exact_.Read());
    if (!both_.defined()) return;
    const auto sum = found_ + there_;
    result.Set("f1", sum.sum().item<double>() == 0 ? 0.0 : (2 * both_.sum() / sum.sum()).item<double>());
    // Of a label that is never there nor found, 0, as scikit-learn has it.
    result.Set("macroF1", (2 * both_ / sum.clamp_min(1)).mean().item<double>());
  }

  double Correct() const override { return correct_.Read(); }

 private:
  double samples_ = 0, judged_ = 0;
  Sum correct_, exact_;
  at::Tensor both_, found_, there_;  // float64 [labels]: counts
};

class Regression : public Metrics {
 public:
  void Add(const at::Tensor& outputs, const at::Tensor& targets, bool) override {
    const auto values = targets.flatten(1).to(at::kDouble);
    const auto differences = outputs.flatten(1).to(at::kDouble) - values;
    const auto squares = differences.square().sum(0);
    absolute_.Add(differences.abs().sum());
    // The variance of the targets by batches (Chan, Golub and LeVeque 1983): a sum of squares would cancel.
    const auto count = static_cast<double>(values.size(0));
    const auto mean = values.mean(0);
    const auto spread = (values - mean).square().sum(0);
    if (samples_ == 0) {
      squares_ = squares;
      mean_ = mean;
      spread_ = spread;
    } else {
      const double total = samples_ + count;
      const auto apart = mean - mean_;
      squares_ = squares_ + squares;
      spread_ = spread_ + spread + apart.square() * (samples_ * count / total);
      mean_ = mean_ + apart * (count / total);
    }
    samples_ += count;
  }

  void Put(Napi::Object result) const override {
    result.Set("kind", "regression");
    if (samples_ == 0) return;
    const double elements = samples_ * static_cast<double>(squares_.numel());
    result.Set("mse", squares_.sum().item<double>() / elements);
    result.Set("mae", absolute_.Read() / elements);
    // The mean of those of each output, as scikit-learn's r2_score; of one whose targets are all equal, 1 or
    // 0.
    const auto exact = squares_.eq(0).to(at::kDouble);
    const auto explained = 1 - squares_ / at::where(spread_.eq(0), at::ones_like(spread_), spread_);
    result.Set("r2", at::where(spread_.eq(0), exact, explained).mean().item<double>());
  }

 private:
  double samples_ = 0;
  Sum absolute_;
  at::Tensor squares_, mean_, spread_;  // float64 [outputs]
};

}  // namespace

std::pair<at::Tensor, at::Tensor> ClassRows(const at::Tensor& outputs, const at::Tensor& targets,
                                            std::optional<std::int64_t> ignored) {
  at::Tensor rows = outputs, classes = targets;
  if (outputs.dim() > 2) {
    rows = outputs.movedim(1, -1).flatten(0, -2);
    classes = targets.flatten();
  }
  if (!ignored) return {rows, classes};
  const auto counts = classes.ne(*ignored);
  return {rows.index({counts}), classes.index({counts})};
}

std::unique_ptr<Metrics> ClassMetrics(std::optional<std::int64_t> ignored) {
  return std::make_unique<Classes>(ignored);
}

std::unique_ptr<Metrics> LabelMetrics() {
  return std::make_unique<Labels>();
}

std::unique_ptr<Metrics> RegressionMetrics() {
  return std::make_unique<Regression>();
}

}  // namespace torch_prune
