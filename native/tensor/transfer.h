#pragma once
#include <ATen/core/Tensor.h>
#include <napi.h>

namespace torch_prune {

// Bytes in, bytes out, and moves between dtypes and devices.
// A tensor's sizes, for JavaScript.
Napi::Array ShapeOf(Napi::Env env, const at::Tensor& tensor);

void RegisterTransfer(Napi::Object exports);

}  // namespace torch_prune
