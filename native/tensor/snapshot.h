#pragma once
#include <ATen/core/Tensor.h>

namespace torch_prune {

// A tensor's current values, outside of any graph. Nothing is copied until one of the two is written to, so
// this takes no time, however large the tensor is.
at::Tensor Snapshot(const at::Tensor& tensor);

}  // namespace torch_prune
