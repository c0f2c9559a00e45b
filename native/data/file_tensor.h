#pragma once
#include <ATen/core/Tensor.h>

#include <string>

namespace torch_prune {

// Makes float32 zeros in a nameless file in `folder` that is mapped into memory. The file disappears with the
// tensor, or with the process, however it ends. Its space on the disk is reserved immediately. Throws Error
// if there is not enough.
at::Tensor FileTensor(const std::string& folder, at::IntArrayRef shape);

// Asks the system to read rows of such a tensor ahead.
void Prefetch(const at::Tensor& tensor, std::int64_t row);

}  // namespace torch_prune
