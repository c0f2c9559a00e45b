#pragma once
#include <ATen/core/Tensor.h>
#include <napi.h>

namespace torch_prune {

// The values of a tensor that are NaN or infinite.
struct NonFinite {
  std::int64_t nan = 0, infinite = 0;
  std::int64_t first = -1;  // the position of the first one; -1 if all values are finite

  bool any() const { return first >= 0; }
  // {nan, infinite, first}
  Napi::Object ToObject(Napi::Env env) const;
};

NonFinite FindNonFinite(const at::Tensor& values);

}  // namespace torch_prune
