#pragma once
#include <ATen/ATen.h>

#include <limits>

namespace torch_prune {

// The score from which on `keep` of the flat scores stay, more where they tie; `lowest` where all do.
inline double ThresholdOf(const at::Tensor& scores, std::int64_t keep, double lowest) {
  if (keep <= 0) return std::numeric_limits<double>::infinity();
  const std::int64_t prune = scores.numel() - keep;
  return prune > 0 ? std::get<0>(scores.kthvalue(prune + 1)).item<double>() : lowest;
}

}  // namespace torch_prune
