#pragma once
#include <ATen/core/Tensor.h>

namespace torch_prune {

// A tensor's values as they are now, without its place in a graph. Nothing is copied until one of the two is
// written to, so that this takes no time, however large the tensor is.
at::Tensor Snapshot(const at::Tensor& tensor);

}  // namespace torch_prune
