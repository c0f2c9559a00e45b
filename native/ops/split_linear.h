#pragma once
#include <ATen/core/Tensor.h>

namespace torch_prune {

// Whether SplitLinear() takes these, and gains by it: float32 on the CPU, several threads, no autocast.
bool CanSplitLinear(const at::Tensor& input, const at::Tensor& weight);

// at::linear, with the weight's rows shared out among threads in one way everywhere: forward, in the gradient
// of the weight, and, as at::parallel_for does the same there, in the optimiser's pass. So a row, its
// gradient and its moments stay in the cache of one core, where BLAS deals out each product anew and the rows
// change cores three times a step. input [N, in], weight [out, in], bias [out] or undefined. Its backward can
// be run once, and not derived.
at::Tensor SplitLinear(const at::Tensor& input, const at::Tensor& weight, const at::Tensor& bias);

}  // namespace torch_prune
