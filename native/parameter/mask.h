#pragma once
#include <ATen/core/Tensor.h>
#include <torch/csrc/autograd/function_hook.h>

#include <memory>
#include <string>

#include "../base/errors.h"

namespace torch_prune {

// What seals a pruned parameter: a native hook that writes +0 into its gradient wherever the mask prunes,
// after each accumulation and after any other hook. With weight, gradient and moments +0 there, SGD and Adam
// leave +0 by their own arithmetic, so nothing has to run after a step. It writes by selection: a product
// with a mask turns infinite gradients into NaN, and negative ones into -0.
//
// A spliced mask (Guo, Yao and Chen 2016) leaves the parameter dense, gradient and moments too: layers
// compute with Effective(), and what is pruned may return.
enum class MaskKind { kSealed, kSpliced };

class MaskHook : public torch::autograd::PostAccumulateGradHook {
 public:
  // keep: bool, the parameter's shape, strides and device; true where the weight stays.
  MaskHook(at::Tensor keep, MaskKind kind);

  void operator()(const at::Tensor& parameter) override;

  // Writes +0 where the mask prunes, in place.
  void Seal(const at::Tensor& values) const;
  // How many elements the mask prunes whose bits are not +0.
  std::int64_t Unsealed(const at::Tensor& values) const;

  // Prunes other places from now on. What a sealed mask newly prunes is the caller's to seal.
  void Replace(at::Tensor keep);

  const at::Tensor& keep() const { return keep_; }
  MaskKind kind() const { return kind_; }

 private:
  at::Tensor Prune() const;

  MaskKind kind_;
  at::Tensor keep_;
  at::Tensor prune_;  // its opposite, on a GPU; the CPU's pass needs none, and it would be a byte a weight
};

// While one lives, backward() on its thread leaves the gradients of pruned weights as they are. For training
// with an optimiser that reads the masks itself, and lets go of the gradients after.
class DeferSeals {
 public:
  DeferSeals();
  ~DeferSeals();
  DeferSeals(const DeferSeals&) = delete;
  DeferSeals& operator=(const DeferSeals&) = delete;
};

// The mask on a parameter, or null. The hook lives in the parameter's autograd data: it goes where that goes.
MaskHook* FindMask(const at::Tensor& parameter);
// The same where it seals; null for a spliced one.
MaskHook* FindSeal(const at::Tensor& parameter);
MaskHook* FindSplice(const at::Tensor& parameter);

// What a layer computes with: the parameter itself or, while it is spliced, its kept values and +0 elsewhere.
// Backward hands the dense parameter all of the gradient (Guo, Yao and Chen 2016, equation 3).
at::Tensor Effective(const at::Tensor& parameter);

// Puts a mask on a leaf parameter, replacing any other. One that seals does so to its value and its `.grad`;
// the moments of optimisers are the caller's: Environment knows them.
void SetMask(const at::Tensor& parameter, const at::Tensor& keep, MaskKind kind = MaskKind::kSealed);
// The two halves of it: what can fail, and what cannot, for callers that do all or nothing.
std::unique_ptr<MaskHook> MakeMask(const at::Tensor& parameter, const at::Tensor& keep, MaskKind kind);
void PutMask(const at::Tensor& parameter, std::unique_ptr<MaskHook> mask);
void RemoveMask(const at::Tensor& parameter);

// That a mask would prune all of a parameter.
Error Emptied(const std::string& name);

}  // namespace torch_prune
