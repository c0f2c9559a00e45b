#include "scored.h"

#include <ATen/ATen.h>

#include <vector>

#include "../parameter/parametrization.h"
#include "../tensor/tensor.h"

namespace torch_prune {

at::Tensor Kept(const at::Tensor& weight) {
  const at::Tensor keep = KeptMask(weight);
  return keep.defined() ? keep
                        : at::ones_like(weight, weight.options().dtype(at::kBool).requires_grad(false));
}

double CountOf(const at::Tensor& flags) {
  return static_cast<double>(flags.count_nonzero().item<std::int64_t>());
}

Scored::Scored(const Network& network, const GivenScored& given)
    : name(given.name),
      weight(network.Find(name).tensor),
      order(*network.Find(name).layer),
      initial_(given.initial) {
  if (!given.scores.defined()) return;
  scores = given.scores.detach();
  const bool of_filters = scores.dim() == 1 && scores.size(0) == order.CountOf(weight);
  if (scores.sizes() == weight.sizes() || of_filters) return;
  throw Error("ERR_SHAPE", "the scores of '" + name + "' have shape " + c10::str(scores.sizes()) +
                               ", its weights have " + c10::str(weight.sizes()));
}

// [filters] over [filters, inputs, kernel…], as it lies in the weight.
at::Tensor Scored::OverWeight(const at::Tensor& filters) const {
  const at::Tensor turned = order.FiltersFirst(weight);
  std::vector<std::int64_t> shape(turned.dim(), 1);
  shape[0] = turned.size(0);
  return order.AsWeight(filters.view(shape).expand_as(turned));
}

at::Tensor Scored::Ranks() const {
  if (!scores.defined()) return weight.detach().abs();
  const at::Tensor each = scores.sizes() == weight.sizes() ? scores : OverWeight(scores);
  return each.to(weight.device(), scores.scalar_type(), /*non_blocking=*/false, /*copy=*/true).contiguous();
}

Candidates Scored::Weights(double scale) const {
  const auto score = [this, scale] {
    at::Tensor ranks = Ranks();
    return scale == 1 ? ranks : Widened(ranks).div_(scale);
  };
  return {(scores.defined() ? "the scores of '" : "the weights of '") + name + "'", score, Kept(weight), {}};
}

Candidates Scored::Filters() const {
  const auto sums = [this] {
    const bool own = scores.defined() && scores.sizes() != weight.sizes();
    if (own) return scores.to(weight.device(), scores.scalar_type(), /*non_blocking=*/false, /*copy=*/true);
    at::Tensor ranks = Ranks();
    // Pruned magnitudes are 0 already.
    if (scores.defined()) ranks.masked_fill_(Kept(weight).logical_not(), 0);
    return order.FiltersFirst(ranks).flatten(1).sum(1);
  };
  return {(scores.defined() ? "the scores of '" : "the weights of '") + name + "'",
          sums,
          order.FiltersFirst(Kept(weight)).flatten(1).any(1),
          {}};
}

double Scored::Deviation(DeviationOf of) const {
  if (of == DeviationOf::kInitial && initial_) return *initial_;
  const Statistics now = scores.defined() ? StatisticsOf(Ranks(), KeptMask(weight)) : weights;
  return of == DeviationOf::kSurvivors ? now.survivor_deviation : now.deviation;
}

void Scored::Look() {
  weights = StatisticsOf(weight, KeptMask(weight));
}

at::Tensor Scored::MaskOf(const at::Tensor& filters) const {
  return OverWeight(filters).logical_and(Kept(weight));
}

}  // namespace torch_prune
