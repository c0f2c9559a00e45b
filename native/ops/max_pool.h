#pragma once
#include <ATen/core/Tensor.h>

namespace torch_prune {

// at::max_pool2d. Windows that do not overlap and need no padding, over float32 in the CPU's memory, use our
// own loop with the same results: libtorch's loop handles one element at a time and stores 8 bytes for each
// output.
at::Tensor MaxPool(const at::Tensor& input, at::IntArrayRef kernel, at::IntArrayRef stride,
                   at::IntArrayRef padding, bool ceil_mode);

}  // namespace torch_prune
