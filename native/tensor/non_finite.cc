#include "non_finite.h"

#include <ATen/ATen.h>
#include <ATen/core/grad_mode.h>

#include <cmath>

namespace torch_prune {

NonFinite FindNonFinite(const at::Tensor& values) {
  if (!values.is_floating_point() || values.numel() == 0) return {};
  const at::NoGradGuard no_grad;
  // For nearly all tensors, one pass at memory speed is enough, because NaN and infinity survive a sum. If a
  // sum of finite values overflows, this only costs the second look.
  if (std::isfinite(values.sum().item<double>())) return {};
  const at::Tensor finite = values.isfinite();
  if (finite.all().item<bool>()) return {};
  return {values.isnan().count_nonzero().item<std::int64_t>(),
          values.isinf().count_nonzero().item<std::int64_t>(),
          finite.flatten().to(at::kByte).argmin().item<std::int64_t>()};
}

Napi::Object NonFinite::ToObject(Napi::Env env) const {
  auto object = Napi::Object::New(env);
  object.Set("nan", static_cast<double>(nan));
  object.Set("infinite", static_cast<double>(infinite));
  object.Set("first", static_cast<double>(first));
  return object;
}

}  // namespace torch_prune
