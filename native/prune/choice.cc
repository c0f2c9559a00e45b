#include "choice.h"

#include <ATen/ATen.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <limits>

#include "../base/errors.h"

namespace torch_prune {
namespace {

constexpr double kLowest = -std::numeric_limits<double>::infinity();

void RefuseNaN(const Candidates& candidates, const at::Tensor& scores) {
  // NaN survives a sum, which needs no flag for each score.
  if (!std::isnan(scores.sum().item<double>())) return;
  const at::Tensor nan = scores.isnan();
  const auto count = nan.logical_and(candidates.eligible).count_nonzero().item<std::int64_t>();
  if (count == 0) return;
  throw Error("ERR_ARGUMENT", candidates.what + " hold " + std::to_string(count) + " NaN among " +
                                  std::to_string(scores.numel()) +
                                  ", which cannot be ranked: nothing was pruned");
}

template <typename Number>
double Nth(at::Tensor& scores, std::int64_t keep) {
  Number* const first = scores.mutable_data_ptr<Number>();
  std::nth_element(first, first + keep - 1, first + scores.numel(), std::greater<>());
  return first[keep - 1];
}

// The scores of all candidates one after the other, those of ineligible ones under all others.
at::Tensor Together(const std::vector<Candidates>& group) {
  std::vector<at::Tensor> parts;
  for (const auto& candidates : group) {
    parts.push_back(RankedScores(candidates).flatten());
  }
  return parts.size() == 1 ? parts[0] : at::cat(parts);
}

// The first `count` of the flags that are set, by position.
at::Tensor First(const at::Tensor& flags, std::int64_t count) {
  at::Tensor first = flags.clone(at::MemoryFormat::Contiguous);
  if (!first.is_cpu()) return first.logical_and_(first.flatten().cumsum(0).le(count).view(first.sizes()));
  bool* flag = first.mutable_data_ptr<bool>();
  for (std::int64_t i = 0; i < first.numel(); ++i) flag[i] = flag[i] && count-- > 0;
  return first;
}

}  // namespace

at::Tensor Widened(at::Tensor scores) {
  const auto type = scores.scalar_type();
  if (type == at::kFloat || type == at::kDouble) return scores;
  return scores.to(type == at::kLong || type == at::kInt ? at::kDouble : at::kFloat);
}

at::Tensor RankedScores(const Candidates& candidates) {
  at::Tensor scores = Widened(candidates.score());
  RefuseNaN(candidates, scores);
  return scores.masked_fill_(candidates.eligible.logical_not(), kLowest);
}

void ChooseFrom(Candidates& candidates, double threshold) {
  const at::Tensor scores = Widened(candidates.score());
  RefuseNaN(candidates, scores);
  candidates.chosen = scores.ge(threshold).logical_and_(candidates.eligible);
}

double SmallestOfLargest(at::Tensor& scores, std::int64_t keep) {
  // A hundred million scores are too many for kthvalue's copy with its indices.
  if (!scores.is_cpu()) return std::get<0>(scores.kthvalue(scores.numel() - keep + 1)).item<double>();
  scores = scores.contiguous();
  return scores.scalar_type() == at::kDouble ? Nth<double>(scores, keep) : Nth<float>(scores, keep);
}

void ChooseLargest(std::vector<Candidates>& group, std::int64_t keep) {
  at::Tensor all = Together(group);
  const auto type = all.scalar_type();
  std::int64_t eligible = 0;
  for (const auto& candidates : group) eligible += candidates.eligible.count_nonzero().item<std::int64_t>();
  if (keep >= eligible) {
    for (auto& candidates : group) candidates.chosen = candidates.eligible;
    return;
  }
  const double threshold = keep > 0 ? SmallestOfLargest(all, keep) : -kLowest;
  // How many of those at the threshold are chosen.
  std::int64_t ties = keep > 0 ? keep - all.gt(threshold).count_nonzero().item<std::int64_t>() : 0;
  all.reset();
  for (auto& candidates : group) {
    const at::Tensor scores = candidates.score().to(type);
    candidates.chosen = scores.gt(threshold).logical_and_(candidates.eligible);
    if (ties == 0) continue;
    const at::Tensor equal = scores.eq(threshold).logical_and_(candidates.eligible);
    const auto count = equal.count_nonzero().item<std::int64_t>();
    candidates.chosen.logical_or_(count <= ties ? equal : First(equal, ties));
    ties -= std::min(count, ties);
  }
}

}  // namespace torch_prune
