#pragma once
#include <ATen/core/Tensor.h>

#include <string>

namespace torch_prune {

// Zeros, float32, in a file of `folder` that has no name and is mapped into memory: it goes with the tensor,
// or with the process, however that ends. Its place on the disk is taken at once. Throws Error where there is
// none.
at::Tensor FileTensor(const std::string& folder, at::IntArrayRef shape);

// Asks the system to read rows of such a tensor ahead.
void ReadAhead(const at::Tensor& tensor, std::int64_t row);

}  // namespace torch_prune
