#pragma once
#include <ATen/ATen.h>

#include <algorithm>
#include <cmath>
#include <limits>

namespace torch_prune {

// The score from which on `keep` of the flat scores stay, more where they tie; `lowest` where all do. Leaves
// the scores in another order: a hundred million of them are too many for kthvalue's copy with its indices.
inline double ThresholdOf(at::Tensor&& scores, std::int64_t keep, double lowest) {
  if (keep <= 0) return std::numeric_limits<double>::infinity();
  const std::int64_t prune = scores.numel() - keep;
  if (prune <= 0) return lowest;
  if (!scores.is_cpu() || scores.scalar_type() != at::kFloat || !scores.is_contiguous())
    return std::get<0>(scores.kthvalue(prune + 1)).item<double>();
  float* const first = scores.mutable_data_ptr<float>();
  // NaN comes last, as in kthvalue.
  std::nth_element(first, first + prune, first + scores.numel(),
                   [](float a, float b) { return a < b || (std::isnan(b) && !std::isnan(a)); });
  return first[prune];
}

}  // namespace torch_prune
