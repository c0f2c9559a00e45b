#include "mask.h"

#include <ATen/ATen.h>
#include <ATen/Parallel.h>
#include <torch/csrc/autograd/custom_function.h>
#include <torch/csrc/autograd/variable.h>

#include "../base/layout.h"
#include "../kernels/seal.h"

namespace torch_prune {
namespace {

thread_local int deferring = 0;

struct StraightThrough : torch::autograd::Function<StraightThrough> {
  static at::Tensor forward(torch::autograd::AutogradContext*, const at::Tensor& dense,
                            const MaskHook* mask) {
    at::Tensor effective = dense.detach().clone();
    mask->Seal(effective);
    return effective;
  }
  static torch::autograd::variable_list backward(torch::autograd::AutogradContext*,
                                                 torch::autograd::variable_list gradients) {
    return {std::move(gradients[0]), at::Tensor()};
  }
};

}  // namespace

MaskHook::MaskHook(at::Tensor keep, MaskKind kind) : kind_(kind) {
  Replace(std::move(keep));
}

void MaskHook::Replace(at::Tensor keep) {
  keep_ = std::move(keep);
  prune_ = keep_.is_cpu() ? at::Tensor() : keep_.logical_not();
}

at::Tensor MaskHook::Prune() const {
  return prune_.defined() ? prune_ : keep_.logical_not();
}

void MaskHook::operator()(const at::Tensor& parameter) {
  if (kind_ == MaskKind::kSpliced || deferring > 0) return;
  const at::NoGradGuard no_grad;
  if (parameter.grad().defined()) Seal(parameter.grad());
}

void MaskHook::Seal(const at::Tensor& values) const {
  const at::NoGradGuard no_grad;
  if (values.scalar_type() != at::kFloat || !values.is_cpu() || !keep_.is_cpu() ||
      !SameOrder(values, keep_)) {
    values.detach().masked_fill_(Prune(), 0);
    return;
  }
  // This runs once per step over every weight that has a mask; masked_fill_ itself takes several times as
  // long.
  float* value = values.mutable_data_ptr<float>();
  const bool* keep = keep_.const_data_ptr<bool>();
  at::parallel_for(0, values.numel(), 1 << 16, [value, keep](std::int64_t begin, std::int64_t end) {
    SealPass(value + begin, keep + begin, end - begin);
  });
}

std::int64_t MaskHook::Unsealed(const at::Tensor& values) const {
  const at::NoGradGuard no_grad;
  const auto bits = values.element_size() == 8   ? at::kLong
                    : values.element_size() == 4 ? at::kInt
                    : values.element_size() == 2 ? at::kShort
                                                 : at::kChar;
  return values.detach().view(bits).ne(0).logical_and_(Prune()).sum().item<std::int64_t>();
}

DeferSeals::DeferSeals() {
  ++deferring;
}

DeferSeals::~DeferSeals() {
  --deferring;
}

MaskHook* FindMask(const at::Tensor& parameter) {
  if (torch::autograd::impl::get_autograd_meta(parameter) == nullptr) return nullptr;
  return dynamic_cast<MaskHook*>(torch::autograd::impl::post_acc_grad_hooks(parameter).get());
}

MaskHook* FindSeal(const at::Tensor& parameter) {
  MaskHook* hook = FindMask(parameter);
  return hook != nullptr && hook->kind() == MaskKind::kSealed ? hook : nullptr;
}

MaskHook* FindSplice(const at::Tensor& parameter) {
  MaskHook* hook = FindMask(parameter);
  return hook != nullptr && hook->kind() == MaskKind::kSpliced ? hook : nullptr;
}

at::Tensor Effective(const at::Tensor& parameter) {
  const MaskHook* splice = FindSplice(parameter);
  return splice == nullptr ? parameter : StraightThrough::apply(parameter, splice);
}

std::unique_ptr<MaskHook> MakeMask(const at::Tensor& parameter, const at::Tensor& keep, MaskKind kind) {
  if (!parameter.is_leaf())
    throw Error("ERR_ARGUMENT", "a mask goes on a leaf tensor: this one was computed");
  if (!at::isFloatingType(parameter.scalar_type()))
    throw Error("ERR_DTYPE", "a mask goes on a floating tensor");
  if (keep.sizes() != parameter.sizes()) throw Error("ERR_SHAPE", "a mask has the shape of its parameter");
  const at::NoGradGuard no_grad;
  at::Tensor own = at::empty_strided(parameter.sizes(), parameter.strides(),
                                     parameter.options().dtype(at::kBool).requires_grad(false));
  own.copy_(keep.ne(0));
  return std::make_unique<MaskHook>(std::move(own), kind);
}

void PutMask(const at::Tensor& parameter, std::unique_ptr<MaskHook> mask) {
  const at::NoGradGuard no_grad;
  if (mask->kind() == MaskKind::kSealed) {
    mask->Seal(parameter.data());
    if (parameter.grad().defined()) mask->Seal(parameter.grad());
  }
  torch::autograd::impl::set_post_acc_grad_hooks(parameter, std::move(mask));
}

void SetMask(const at::Tensor& parameter, const at::Tensor& keep, MaskKind kind) {
  PutMask(parameter, MakeMask(parameter, keep, kind));
}

void RemoveMask(const at::Tensor& parameter) {
  if (FindMask(parameter) != nullptr) torch::autograd::impl::set_post_acc_grad_hooks(parameter, nullptr);
}

Error Emptied(const std::string& name) {
  return {"ERR_ARGUMENT", "the criterion prunes every weight of '" + name +
                              "', and nothing would pass through it: prune it less"};
}

}  // namespace torch_prune
