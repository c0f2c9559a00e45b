#pragma once
#include <ATen/core/Tensor.h>

#include <cstdint>
#include <optional>

namespace torch_prune {

// A weight as whole numbers of -127 to 127, and for each of its output channels what one of them is worth.
struct Int8Levels {
  at::Tensor levels;  // int8, the weight's shape
  at::Tensor scales;  // float [channels]
};

// The levels nearest to a weight's values, where the largest of each channel is 127 or -127. What is 0 stays
// 0. The weight is finite; `axis` is the dimension of its channels.
Int8Levels NearestLevels(const at::Tensor& weight, std::int64_t axis);

// The levels of which a weight's values are exactly the multiples; nothing where there are none. It soon
// knows, where values are any.
std::optional<Int8Levels> ExactLevels(const at::Tensor& weight, std::int64_t axis);

}  // namespace torch_prune
