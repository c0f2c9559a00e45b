#pragma once
#include <ATen/core/Tensor.h>

#include <cstdint>

#include "../layers/layer.h"

namespace torch_prune {

// Where the filters of a weight are: its rows, or columns where what a layer reads comes first.
class FilterOrder {
 public:
  explicit FilterOrder(const Layer& layer) : groups_(layer.groups()), inputs_first_(layer.InputsFirst()) {}

  // How many filters a weight has.
  std::int64_t CountOf(const at::Tensor& weight) const;
  // What has the weight's shape as [filters, inputs of a group, kernel…]; and that in the weight's own shape.
  at::Tensor FiltersFirst(const at::Tensor& values) const;
  at::Tensor AsWeight(const at::Tensor& values) const;

 private:
  at::Tensor Turn(const at::Tensor& values) const;

  std::int64_t groups_;
  bool inputs_first_;
};

}  // namespace torch_prune
