#include "place_bits.h"

#include <ATen/ATen.h>

#include <algorithm>
#include <cmath>

namespace torch_prune {
namespace {

// A share that is counted is taken for one that was seen twice more, and for no more than this.
constexpr double kSeenBefore = 2;
constexpr double kMostShare = 0.98;

// log2(p / (1 - p)) of the shares p of lines of `length` places that are kept, beside the weight that is
// priced.
at::Tensor LogOdds(const at::Tensor& counts, double length, double share) {
  const at::Tensor others = counts.to(at::kDouble).sub_(1).clamp_min_(0);
  const at::Tensor p = others.add_(kSeenBefore * share).div_(length + kSeenBefore).clamp_max_(kMostShare);
  return (p / (1 - p)).log2_();
}

}  // namespace

PlaceBits PlaceBits::Of(const at::Tensor& kept_by_row, const at::Tensor& kept_by_column) {
  const auto rows = static_cast<double>(kept_by_row.numel());
  const auto columns = static_cast<double>(kept_by_column.numel());
  const auto kept = kept_by_row.sum(at::kDouble).item<double>();
  const double share = std::min(kept / (rows * columns), kMostShare);
  return {std::log2(share / (1 - share)) - LogOdds(kept_by_row, columns, share),
          -LogOdds(kept_by_column, rows, share)};
}

}  // namespace torch_prune
