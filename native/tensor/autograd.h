#pragma once
#include <ATen/core/Tensor.h>
#include <napi.h>

namespace torch_prune {

// Registers backward(), gradients, gradient hooks in JavaScript, and the switches of autograd.
void RegisterAutograd(Napi::Object exports);

// Runs backward only on the calling thread, for every device, so that hooks never run on one of libtorch's
// threads.
void Backward(const at::Tensor& root, const at::Tensor& gradient, bool retain_graph, bool create_graph);

}  // namespace torch_prune
