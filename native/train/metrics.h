#pragma once
#include <ATen/core/Tensor.h>
#include <napi.h>

#include <cstdint>
#include <memory>
#include <optional>

#include "sum.h"

namespace torch_prune {

// Right answers among all that were judged.
struct Verdict {
  double judged = 0;
  Sum correct;

  void Add(double count, const at::Tensor& right) {
    judged += count;
    correct.Add(right);
  }
};

// What is said of a network over a whole dataset beside its loss.
class Metrics {
 public:
  virtual ~Metrics() = default;
  // A batch in evaluation: outputs in float32 [n, ...]; `finite` says whether its loss is known to be a
  // number.
  virtual void Add(const at::Tensor& outputs, const at::Tensor& targets, bool finite) = 0;
  // As lib/train/metrics.ts reads it.
  virtual void Put(Napi::Object result) const = 0;
  // For progress: right answers, where such are judged.
  virtual double Correct() const { return 0; }
};

// Outputs [n, C, ...] and classes [n, ...] as rows: [m, C] and [m], without those of an ignored class.
std::pair<at::Tensor, at::Tensor> ClassRows(const at::Tensor& outputs, const at::Tensor& targets,
                                            std::optional<std::int64_t> ignored);

// Of classes: how often the right one is the best, or among the five best.
std::unique_ptr<Metrics> ClassMetrics(std::optional<std::int64_t> ignored);
// Of several labels for each sample, each of which is there or not: where the output is over 0, it is.
std::unique_ptr<Metrics> LabelMetrics();
// Of numbers: squared and absolute differences, and the share of the variance that is explained.
std::unique_ptr<Metrics> RegressionMetrics();

}  // namespace torch_prune
