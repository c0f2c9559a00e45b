#pragma once
#include <ATen/core/Tensor.h>
#include <napi.h>

namespace torch_prune {

// The sizes of a tensor, for JavaScript.
Napi::Array ShapeOf(Napi::Env env, const at::Tensor& tensor);

// Registers bytes in, bytes out, and moves between dtypes and devices.
void RegisterTransfer(Napi::Object exports);

}  // namespace torch_prune
