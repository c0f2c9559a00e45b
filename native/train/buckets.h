#pragma once
#include <ATen/core/Tensor.h>

#include <functional>
#include <vector>

namespace torch_prune {

// Hands over tensors many at a time, each bucket as one flat tensor on the CPU, and writes back into them
// what becomes of it: few large exchanges take less time than many small ones. The tensors of a bucket have
// one dtype.
void InBuckets(const std::vector<at::Tensor>& tensors, const std::function<void(at::Tensor&)>& exchange);

}  // namespace torch_prune
