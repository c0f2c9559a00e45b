#pragma once
#include <ATen/core/Tensor.h>

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

namespace torch_prune {

// What a choice is among: the weights of a layer, or its filters.
struct Candidates {
  std::string what;  // for errors: what the scores are called
  // Computes the scores anew at each call, for the caller to write to: keeping them would take as much memory
  // as the weights do.
  std::function<at::Tensor()> score;
  at::Tensor eligible;  // bool, the scores' shape: the rest cannot be chosen
  at::Tensor chosen;    // bool: set by ChooseLargest
};

// Chooses exactly `keep` of all candidates together, or all that are eligible where those are fewer: the
// largest scores, and among equal ones the first by position. Throws for a score that is not a number.
void ChooseLargest(std::vector<Candidates>& group, std::int64_t keep);

// Chooses the eligible ones of at least `threshold`. Throws for a score that is not a number.
void ChooseFrom(Candidates& candidates, double threshold);

// The scores of candidates for a choice by rank: those of ineligible ones under all others. Throws for a
// score that is not a number.
at::Tensor RankedScores(const Candidates& candidates);

// Scores in float, or in double where a float would take some that differ for equal.
at::Tensor Widened(at::Tensor scores);

// The score of the last one that ChooseLargest would choose of a flat tensor, from 1 on. Reorders the scores.
double SmallestOfLargest(at::Tensor& scores, std::int64_t keep);

}  // namespace torch_prune
