#include "filters.h"

#include <ATen/ATen.h>

#include <vector>

namespace torch_prune {

std::int64_t FilterOrder::CountOf(const at::Tensor& weight) const {
  return inputs_first_ ? weight.size(1) * groups_ : weight.size(0);
}

at::Tensor FilterOrder::FiltersFirst(const at::Tensor& values) const {
  return inputs_first_ ? Turn(values) : values;
}

at::Tensor FilterOrder::AsWeight(const at::Tensor& values) const {
  return inputs_first_ ? Turn(values) : values;
}

// Either way it is the same: the two dimensions change places within each group.
at::Tensor FilterOrder::Turn(const at::Tensor& values) const {
  const auto within = values.size(0) / groups_;
  const at::Tensor split = values.unflatten(0, {groups_, within});
  return split.transpose(1, 2).flatten(0, 1);
}

}  // namespace torch_prune
