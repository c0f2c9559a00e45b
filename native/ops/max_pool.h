#pragma once
#include <ATen/core/Tensor.h>

#include <vector>

namespace torch_prune {

// at::max_pool2d. Windows that do not overlap and need no padding, over float32 in the CPU's memory, take a
// loop of our own with the same results: libtorch's looks at one element at a time and keeps 8 bytes for each
// output.
at::Tensor MaxPool(const at::Tensor& input, const std::vector<std::int64_t>& kernel,
                   const std::vector<std::int64_t>& stride, const std::vector<std::int64_t>& padding,
                   bool ceil_mode);

}  // namespace torch_prune
