#include <ATen/ATen.h>

#include <algorithm>
#include <limits>

#include "selection.h"

namespace torch_prune {
namespace {

// Places are counted in int8.
constexpr std::int64_t kLongest = 64;
// Weights that are looked at together: some hundred MB would be at work otherwise.
constexpr std::int64_t kTogether = 1 << 22;

struct NmOptions {
  std::int64_t keep, of;
};
const auto kNmFields = Fields<NmOptions>("nm", Field("keep", &NmOptions::keep).Within(1, kLongest),
                                         Field("of", &NmOptions::of).Within(1, kLongest));

// For each score how many of its row go before it: the larger ones, and of equal ones those that come first.
at::Tensor Places(const at::Tensor& rows) {
  at::Tensor places = at::zeros(rows.sizes(), rows.options().dtype(at::kChar));
  const auto length = rows.size(1);
  for (std::int64_t i = 0; i < length; ++i) {
    const at::Tensor one = rows.narrow(1, i, 1);
    places.add_(one.gt(rows));
    const auto after = length - i - 1;
    if (after > 0) places.narrow(1, i + 1, after).add_(one.eq(rows.narrow(1, i + 1, after)));
  }
  return places;
}

class Nm : public Selection {
 public:
  Nm(std::int64_t keep, std::int64_t of) : keep_(keep), of_(of) {}

  void Choose(std::vector<Scored>& layers) const override {
    for (auto& layer : layers) {
      Candidates candidates = layer.Weights();
      const at::Tensor scores = layer.order.FiltersFirst(RankedScores(candidates));
      const auto inputs = scores.size(1);
      if (inputs % of_ != 0) {
        throw Error("ERR_SHAPE", "'" + layer.name + "' has " + std::to_string(inputs) + " inputs, which " +
                                     std::to_string(of_) + " does not divide");
      }
      at::Tensor chosen = at::empty(scores.sizes(), scores.options().dtype(at::kBool));
      const auto step = std::max<std::int64_t>(1, kTogether / (scores.numel() / scores.size(0)));
      for (std::int64_t first = 0; first < scores.size(0); first += step) {
        const auto count = std::min(step, scores.size(0) - first);
        chosen.narrow(0, first, count).copy_(ChooseOf(scores.narrow(0, first, count)));
      }
      layer.keep = layer.order.AsWeight(chosen).logical_and(candidates.eligible);
    }
  }

 private:
  // Of a part of a layer's scores, [filters, inputs, …].
  at::Tensor ChooseOf(const at::Tensor& scores) const {
    // Inputs last: a row is what one filter computes at one place of its kernel.
    const at::Tensor rows = scores.movedim(1, -1);
    const at::Tensor groups = rows.reshape({-1, of_});
    return Places(groups).lt(keep_).view(rows.sizes()).movedim(-1, 1);
  }

  std::int64_t keep_, of_;
};

}  // namespace

std::unique_ptr<Selection> ToNm(const Given& given, std::size_t) {
  const auto [keep, of] = kNmFields.Read(given);
  if (keep > of) {
    throw Error("ERR_ARGUMENT",
                "keep must be at most of, got " + std::to_string(keep) + " of " + std::to_string(of));
  }
  return std::make_unique<Nm>(keep, of);
}

}  // namespace torch_prune
