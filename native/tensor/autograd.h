#pragma once
#include <ATen/core/Tensor.h>
#include <napi.h>

namespace torch_prune {

// backward(), gradients, gradient hooks in JavaScript, and the switches of autograd.
void RegisterAutograd(Napi::Object exports);

// Runs backward on the calling thread alone, on every device: hooks then never run on a thread of libtorch's.
void Backward(const at::Tensor& root, const at::Tensor& gradient, bool retain_graph, bool create_graph);

}  // namespace torch_prune
