#pragma once
#include <ATen/core/Tensor.h>

#include <cstdint>
#include <optional>
#include <utility>
#include <vector>

namespace torch_prune {

// What samples should come to: a class each, or values of any shape. Kept in the dtype that they were given
// in; batches bring whole numbers as int64 and others as float32.
class Targets {
 public:
  // values: [N, ...] on the CPU, which nobody else writes to.
  explicit Targets(at::Tensor values);
  // Of samples that are read as they come: what one of them looks like is all that is known.
  Targets(at::ScalarType dtype, std::vector<std::int64_t> shape) : dtype_(dtype), shape_(std::move(shape)) {}

  // As batches bring them: int64 or float32.
  at::ScalarType dtype() const { return dtype_; }
  // Of one sample's: [] for a class.
  const std::vector<std::int64_t>& shape() const { return shape_; }
  // [N, ...]; undefined where they are read as they come.
  const at::Tensor& values() const { return values_; }

  // The smallest and the largest of them but for those that are `ignored`; none where nothing is left, or
  // where they are not known. Of NaN, NaN.
  std::optional<std::pair<double, double>> Range(std::optional<std::int64_t> ignored = {}) const;

  // Those of some samples as a batch brings them, [n, ...], in memory that `make` gives.
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
  // In order: the smallest two and the largest two of the values that differ, so that the range without one
  // of them needs no second look at all of them.
  std::vector<double> extremes_;
};

}  // namespace torch_prune
