#pragma once
#include <ATen/core/Tensor.h>

namespace torch_prune {

// Whether two dense tensors of the same shape store their elements in the same order, so that they can be
// traversed side by side. The strides of dimensions of size 1 have no meaning, and kernels choose them
// arbitrarily.
inline bool SameOrder(const at::Tensor& a, const at::Tensor& b) {
  if (a.sizes() != b.sizes() || !a.is_non_overlapping_and_dense() || !b.is_non_overlapping_and_dense())
    return false;
  for (std::int64_t d = 0; d < a.dim(); ++d)
    if (a.size(d) != 1 && a.stride(d) != b.stride(d)) return false;
  return true;
}

// The elements of a dense tensor one after the other, as they lie.
inline at::Tensor InMemory(const at::Tensor& dense) {
  return dense.as_strided({dense.numel()}, {1}, dense.storage_offset());
}

}  // namespace torch_prune
