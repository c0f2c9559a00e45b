#pragma once
#include <ATen/core/Tensor.h>

namespace torch_prune {

// Whether SplitLinear() accepts these tensors and is faster for them: float32 on the CPU, several threads, no
// autocast.
bool CanSplitLinear(const at::Tensor& input, const at::Tensor& weight);

// at::linear with the weight's rows divided among threads in the same way everywhere: forward, in the
// gradient of the weight, and in the optimizer's pass, because at::parallel_for divides them like this. So a
// row, its gradient and its moments stay in the cache of one core, whereas BLAS divides each product anew and
// rows change cores three times per step. input [N, in], weight [out, in], bias [out] or undefined. Its
// backward can be run only once, and cannot be differentiated.
at::Tensor SplitLinear(const at::Tensor& input, const at::Tensor& weight, const at::Tensor& bias);

}  // namespace torch_prune
