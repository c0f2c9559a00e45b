#pragma once
#include <ATen/core/Tensor.h>

namespace torch_prune {

// What the values of a weight, or its scores, are like.
struct Statistics {
  double count = 0, kept = 0;
  double zeros = 0, nan = 0, infinite = 0;       // of kept ones
  double deviation = 0, survivor_deviation = 0;  // both divide by their number; pruned values count as 0
};

// `kept` is the weight's KeptMask().
Statistics StatisticsOf(const at::Tensor& values, const at::Tensor& kept);

}  // namespace torch_prune
