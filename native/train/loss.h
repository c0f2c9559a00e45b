#pragma once
#include <ATen/core/Tensor.h>
#include <napi.h>

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "../base/fields.h"
#include "../data/targets.h"
#include "metrics.h"

namespace torch_prune {

// What training makes small, by PyTorch's formulas, and how the network's outputs are judged beside it.
class Loss {
 public:
  // The loss that lib/train/losses.ts describes, {kind, ...}, on the CPU.
  static std::shared_ptr<Loss> Read(const Napi::Value& description, const std::string& what);
  // The loss for outputs on a device; cross-entropy where it is null.
  static std::shared_ptr<const Loss> On(std::shared_ptr<Loss> loss, const at::Device& device);
  // Both; cross-entropy where the description is undefined.
  static std::shared_ptr<const Loss> Of(const Napi::Value& description, const at::Device& device);

  virtual ~Loss() = default;
  Loss() = default;
  Loss(const Loss&) = delete;
  Loss& operator=(const Loss&) = delete;

  // The mean over a batch: of outputs in float32 [n, ...] and targets as the dataset brings them.
  virtual at::Tensor Forward(const at::Tensor& outputs, const at::Tensor& targets) const = 0;
  // How much the mean of a batch counts beside those of others: its samples, or the weights of its classes. 0
  // where nothing of it counts: its mean is not a number then.
  virtual double Count(const at::Tensor& targets) const { return static_cast<double>(targets.size(0)); }
  // Whether that follows from the shape of the targets alone.
  virtual bool CountIsFixed() const { return true; }
  // How far outputs are from what a teacher says of the same samples, 0 where they are equal, times `weight`.
  virtual at::Tensor Distance(const at::Tensor& outputs, const at::Tensor& taught, double temperature,
                              double weight) const = 0;

  // Throws unless outputs of this shape, [n, ...], can be compared with such targets. `name` is what a
  // message calls their dataset.
  virtual void Check(at::IntArrayRef outputs, const Targets& targets, const std::string& name) const = 0;

  // Adds the right answers of a batch.
  virtual void Judge(const at::Tensor& outputs, const at::Tensor& targets, Verdict& verdict) const = 0;
  virtual std::unique_ptr<Metrics> NewMetrics() const = 0;

 private:
  // Moves what it holds.
  virtual void MoveTo(const at::Device&) {}
};

// Cross-entropy by its options, or by its defaults where they are null.
std::shared_ptr<Loss> MakeCrossEntropy(const Given* loss);

// The factors of a loss, float32; undefined where they are left out.
at::Tensor LossFactors(const std::optional<std::vector<double>>& numbers);

template <>
struct FieldType<std::shared_ptr<Loss>> {
  using Type = std::shared_ptr<Loss>;
  static std::string Kind() { return "loss"; }
  static Type Read(const Napi::Value& value, const std::string& what) { return Loss::Read(value, what); }
};

}  // namespace torch_prune
