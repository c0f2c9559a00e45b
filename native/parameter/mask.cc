#include "mask.h"

#include <ATen/ATen.h>
#include <ATen/Parallel.h>
#include <ATen/core/grad_mode.h>

#include "../base/layout.h"
#include "../kernels/seal.h"

namespace torch_prune {

Mask::Mask(const at::Tensor& values, const at::Tensor& keep) {
  const at::NoGradGuard no_grad;
  at::Tensor own = at::empty_strided(values.sizes(), values.strides(),
                                     values.options().dtype(at::kBool).requires_grad(false));
  own.copy_(keep.ne(0));
  Replace(std::move(own));
}

void Mask::Replace(at::Tensor keep) {
  if (keep.is_cpu()) {
    keep_ = std::move(keep);
    prune_.reset();
  } else if (keep_.defined() && keep_.use_count() == 1 && SameOrder(keep_, keep)) {
    // In place, so that steps that are recorded see it: nobody else holds this mask.
    keep_.copy_(keep);
    at::logical_not_out(prune_, keep_);
  } else {
    keep_ = std::move(keep);
    prune_ = keep_.logical_not();
  }
}

at::Tensor Mask::Prune() const {
  return prune_.defined() ? prune_ : keep_.logical_not();
}

void Mask::Seal(const at::Tensor& values) const {
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

std::int64_t Mask::Unsealed(const at::Tensor& values) const {
  const at::NoGradGuard no_grad;
  const auto bits = values.element_size() == 8   ? at::kLong
                    : values.element_size() == 4 ? at::kInt
                    : values.element_size() == 2 ? at::kShort
                                                 : at::kChar;
  return values.detach().view(bits).ne(0).logical_and_(Prune()).count_nonzero().item<std::int64_t>();
}

}  // namespace torch_prune
