#pragma once
#include <ATen/core/Tensor.h>
#include <torch/csrc/autograd/function_hook.h>

#include <memory>
#include <string>

#include "../base/errors.h"

namespace torch_prune {

// Seals a pruned parameter: a native hook that writes +0 into its gradient wherever the mask prunes, after
// each accumulation and after any other hook. With weight, gradient and moments +0 there, SGD and Adam leave
// +0 by their own arithmetic, so nothing has to run after a step. It writes by selection, because a product
// with a mask turns infinite gradients into NaN, and negative ones into -0.
//
// A spliced mask (Guo, Yao and Chen 2016) leaves the parameter dense, including its gradient and moments:
// layers compute with Effective(), and pruned weights may return.
enum class MaskKind { kSealed, kSpliced };

class MaskHook : public torch::autograd::PostAccumulateGradHook {
 public:
  // keep: bool, with the parameter's shape, strides and device; true where the weight stays.
  MaskHook(at::Tensor keep, MaskKind kind);

  void operator()(const at::Tensor& parameter) override;

  // Writes +0 where the mask prunes, in place.
  void Seal(const at::Tensor& values) const;
  // The number of elements that the mask prunes and whose bits are not +0.
  std::int64_t Unsealed(const at::Tensor& values) const;

  // Prunes other positions from now on. The caller has to seal what a sealed mask newly prunes.
  void Replace(at::Tensor keep);

  const at::Tensor& keep() const { return keep_; }
  MaskKind kind() const { return kind_; }

 private:
  at::Tensor Prune() const;

  MaskKind kind_;
  at::Tensor keep_;
  at::Tensor prune_;  // the inverse on a GPU; on the CPU it is not needed, and would take a byte per weight
};

// While one of these exists, backward() on its thread leaves the gradients of pruned weights as they are. It
// is for training with an optimizer that reads the masks itself, and releases the gradients afterward.
class DeferSeals {
 public:
  DeferSeals();
  ~DeferSeals();
  DeferSeals(const DeferSeals&) = delete;
  DeferSeals& operator=(const DeferSeals&) = delete;
};

// The mask of a parameter, or null. The hook is part of the parameter's autograd data, and disappears with
// it.
MaskHook* FindMask(const at::Tensor& parameter);
// The mask of a parameter if it seals; null for a spliced one.
MaskHook* FindSeal(const at::Tensor& parameter);
MaskHook* FindSplice(const at::Tensor& parameter);

// What a layer computes with: the parameter itself or, while it is spliced, its kept values and +0 elsewhere.
// Backward passes the complete gradient to the dense parameter (Guo, Yao and Chen 2016, equation 3).
at::Tensor Effective(const at::Tensor& parameter);

// Puts a mask on a leaf parameter, replacing any other. If it seals, it seals the parameter's value and its
// `.grad`; the caller has to seal the moments of optimizers, which Environment lists.
void SetMask(const at::Tensor& parameter, const at::Tensor& keep, MaskKind kind = MaskKind::kSealed);
// The two halves of SetMask, one that can fail and one that cannot, for callers that do all or nothing.
std::unique_ptr<MaskHook> MakeMask(const at::Tensor& parameter, const at::Tensor& keep, MaskKind kind);
void PutMask(const at::Tensor& parameter, std::unique_ptr<MaskHook> mask);
void RemoveMask(const at::Tensor& parameter);

// The error for a mask that would prune all of a parameter.
Error Emptied(const std::string& name);

}  // namespace torch_prune
