#pragma once
#include <ATen/core/Tensor.h>
#include <torch/csrc/autograd/function_hook.h>

#include <vector>

namespace torch_prune {

// What seals a pruned parameter: a native hook that writes +0 into its gradient wherever the mask prunes,
// after each accumulation and after any other hook. With weight, gradient and moments +0 there, SGD and Adam
// leave +0 by their own arithmetic, so nothing has to run after a step. It writes by selection: a product
// with a mask turns infinite gradients into NaN, and negative ones into -0.
class MaskHook : public torch::autograd::PostAccumulateGradHook {
 public:
  // keep: bool, the parameter's shape, strides and device; true where the weight stays.
  explicit MaskHook(at::Tensor keep);

  void operator()(const at::Tensor& parameter) override;

  // Writes +0 where the mask prunes, in place.
  void Seal(const at::Tensor& values) const;
  // How many elements the mask prunes whose bits are not +0.
  std::int64_t Unsealed(const at::Tensor& values) const;

  const at::Tensor& keep() const { return keep_; }

 private:
  at::Tensor keep_;
  at::Tensor prune_;
};

// The mask on a parameter, or null. The hook lives in the parameter's autograd data: it goes where that goes.
MaskHook* FindMask(const at::Tensor& parameter);

// Puts a mask on a leaf parameter, replacing any other, and seals its value and its `.grad`. The moments of
// optimisers are the caller's: Environment knows them.
void SetMask(const at::Tensor& parameter, const at::Tensor& keep);
void RemoveMask(const at::Tensor& parameter);

}  // namespace torch_prune
