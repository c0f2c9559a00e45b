#pragma once
#include <ATen/core/Tensor.h>

#include <optional>
#include <string>

#include "../base/fields.h"
#include "../network/network.h"
#include "../tensor/tensor.h"
#include "choice.h"
#include "filters.h"
#include "statistics.h"

namespace torch_prune {

// Which weights a standard deviation is taken of: as they were before the first round, all of them now, or
// those that are still kept. All divide by the number of weights.
enum class DeviationOf { kInitial, kCurrent, kSurvivors };

template <>
struct WordsOf<DeviationOf> {
  static constexpr std::array kWords{Word{"initial", DeviationOf::kInitial},
                                     Word{"current", DeviationOf::kCurrent},
                                     Word{"survivors", DeviationOf::kSurvivors}};
};

// The flags of the weights that are kept now: all, where there is no mask.
at::Tensor Kept(const at::Tensor& weight);

double CountOf(const at::Tensor& flags);

// A weight to prune, as it is given: `scores` has the weight's shape, or one for each filter; magnitudes are
// ranked without.
struct GivenScored {
  std::string name;
  std::optional<double> initial;
  at::Tensor scores;
};
inline const auto kScoredFields =
    Fields<GivenScored>("scored", Field("name", &GivenScored::name), Field("initial", &GivenScored::initial),
                        Field("scores", &GivenScored::scores).Optional());

// A weight to prune, what ranks it, and the mask that a selection chose for it.
class Scored {
 public:
  Scored(const Network& network, const GivenScored& given);

  // What is ranked, divided by `scale`: weights, or filters by the sum over their weights.
  Candidates Weights(double scale = 1) const;
  Candidates Filters() const;

  // The standard deviation of the weights where magnitudes are ranked, of the scores where others are.
  double Deviation(DeviationOf of) const;

  // Looks at the weight as it is now, once, before anything else is asked.
  void Look();
  bool finite() const { return weights.nan == 0 && weights.infinite == 0; }

  // A mask of whole filters, of what is still kept of them.
  at::Tensor MaskOf(const at::Tensor& filters) const;

  std::string name;
  at::Tensor weight;
  FilterOrder order;
  at::Tensor scores;
  at::Tensor keep;  // set by a selection
  double kept = 0;
  Statistics weights;

 private:
  // One for each weight, in new memory for the caller to write to.
  at::Tensor Ranks() const;

  // One for each filter as one for each weight, in the weight's shape.
  at::Tensor OverWeight(const at::Tensor& filters) const;

  std::optional<double> initial_;
};

}  // namespace torch_prune
