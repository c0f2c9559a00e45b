#pragma once
#include <ATen/core/Tensor.h>

#include <cstdint>
#include <optional>
#include <utility>
#include <vector>

namespace torch_prune {

// The targets of samples: a class each, or values of any shape. They are kept in their original dtype; in
// batches, whole numbers are int64 and others are float32.
class Targets {
 public:
  // values: [N, ...] on the CPU; nobody else may write to them.
  explicit Targets(at::Tensor values);
  // For samples that are read in batches: only the form of one target is known.
  Targets(at::ScalarType dtype, std::vector<std::int64_t> shape) : dtype_(dtype), shape_(std::move(shape)) {}

  // The dtype in batches: int64 or float32.
  at::ScalarType dtype() const { return dtype_; }
  // The shape of one sample's target: [] for a class.
  const std::vector<std::int64_t>& shape() const { return shape_; }
  // All targets, [N, ...]; undefined if they come with the batches.
  const at::Tensor& values() const { return values_; }

  // The smallest and the largest value, except `ignored`; none if nothing is left or the values are not
  // known. NaN if any value is NaN.
  std::optional<std::pair<double, double>> Range(std::optional<std::int64_t> ignored = {}) const;

  // The targets of some samples as in a batch, [n, ...], in memory that `make` allocates.
  template <typename Make>
  at::Tensor Gather(const std::vector<std::int64_t>& indices, Make make) const {
    auto shape = shape_;
    shape.insert(shape.begin(), static_cast<std::int64_t>(indices.size()));
    at::Tensor batch = make(shape, dtype_);
    Copy(indices, batch);
    return batch;
  }

 private:
  void Copy(const std::vector<std::int64_t>& indices, const at::Tensor& batch) const;

  at::ScalarType dtype_;
  std::vector<std::int64_t> shape_;
  at::Tensor values_;
  // In order: the two smallest and the two largest distinct values. This way, the range without one of them
  // can be determined without another look at all values.
  std::vector<double> extremes_;
};

}  // namespace torch_prune
