#include "kept_layers.h"

#include <ATen/ATen.h>
#include <ATen/CPUGeneratorImpl.h>
#include <ATen/core/grad_mode.h>
#include <torch/csrc/autograd/autograd.h>

#include <algorithm>
#include <utility>

#include "../base/timing.h"
#include "../parameter/parametrization.h"

namespace torch_prune {
namespace {

// A layer is measured so many times in each form, or fewer, once one is so many times as fast as the other.
constexpr int kRuns = 5;
constexpr double kClearly = 2;
// Dense stays where the gain is no more than what two measurements differ by.
constexpr double kWorthIt = 0.9;

// The weight of a layer that is nothing but a product by a matrix.
at::Tensor MatrixOf(const Layer& layer) {
  const auto lowering = layer.Lower();
  const auto* product = std::get_if<Product>(&lowering);
  return product != nullptr && !product->window ? product->weight : at::Tensor();
}

// The mask of a parameter whose pruned weights stay +0 whatever an optimizer does.
at::Tensor FixedMask(const at::Tensor& parameter) {
  const auto* parametrization = Parametrization::Of(parameter);
  return parametrization != nullptr ? parametrization->gradient_mask() : at::Tensor();
}

}  // namespace

KeptLayers::KeptLayers(const TrainerSettings& settings)
    : settings_(settings), chosen_(settings.sparse_layers.has_value()) {
  if (settings.sparse_layers) names_ = *settings.sparse_layers;
}

std::vector<KeptLayers::Candidate> KeptLayers::Candidates() const {
  std::vector<Candidate> candidates;
  // Averages read all weights after each step, and the processes of a group would have to choose alike.
  if (settings_.sparse == Sparse::kOff || settings_.autocast != AutocastTo::kNone ||
      !settings_.averages.empty() || settings_.group->size() > 1) {
    return candidates;
  }
  const auto& layers = settings_.network->layers();
  bool trains = false;  // whether something in front is trained
  for (std::size_t i = settings_.after + 1; i < layers.size(); i++) {
    Layer& layer = *layers[i];
    if (!layer.trainable || layer.parameters(false).empty()) continue;
    const at::Tensor weight = MatrixOf(layer);
    for (auto& p : settings_.optimizer->parameters()) {
      if (weight.defined() && p.tensor.is_same(weight) && KeptLinear::Fits(weight, FixedMask(weight)))
        candidates.push_back({&layer, &p, trains});
    }
    trains = true;
  }
  return candidates;
}

c10::intrusive_ptr<KeptLinear> KeptLayers::Make(const Candidate& candidate) {
  const at::Tensor& weight = candidate.weight->tensor;
  const at::Tensor keep = FixedMask(weight);
  auto& made = made_[weight.unsafeGetTensorImpl()];
  if (!made || !made->keep().is_same(keep)) {
    made = c10::make_intrusive<KeptLinear>(weight, keep, settings_.batch_size);
  }
  return made;
}

// Compares what a step does with the layer, but for the optimizer, whose share shrinks as the weights do.
bool KeptLayers::IsFaster(const Candidate& candidate, const c10::intrusive_ptr<KeptLinear>& kept) const {
  auto generator = at::detail::createCPUGenerator();
  const at::Tensor& weight = candidate.weight->tensor;
  const at::Tensor input = at::rand({settings_.batch_size, weight.size(1)}, generator)
                               .set_requires_grad(candidate.differentiates_input);
  const KeptLinears dense, sparse{{weight.unsafeGetTensorImpl(), kept}};
  const auto step = [&](const KeptLinears& layers) {
    ForwardContext context{true, generator, &layers};
    const at::Tensor output = candidate.layer->Forward({input}, context);
    std::vector<at::Tensor> sources = candidate.layer->parameters(false);
    sources.push_back(kept->values());
    if (input.requires_grad()) sources.push_back(input);
    torch::autograd::grad({output}, sources, {output.detach()}, /*retain_graph=*/false,
                          /*create_graph=*/false, /*allow_unused=*/true);
  };
  const auto time = [&](const KeptLinears& layers) { return Milliseconds([&] { step(layers); }); };
  // The first run of each makes what the others find.
  time(dense), time(sparse);
  std::vector<double> of_dense, of_sparse;
  for (int run = 0; run < kRuns; run++) {
    of_dense.push_back(time(dense));
    of_sparse.push_back(time(sparse));
    const double ratio = Median(of_sparse) / Median(of_dense);
    if (ratio < 1 / kClearly || ratio > kClearly) break;
  }
  kept->values().mutable_grad() = at::Tensor();
  return Median(of_sparse) < kWorthIt * Median(of_dense);
}

void KeptLayers::Take() {
  const bool measures = !std::exchange(chosen_, true) && settings_.sparse == Sparse::kAuto;
  const auto candidates = Candidates();
  if (measures) {
    for (const auto& each : candidates)
      if (IsFaster(each, Make(each))) names_.push_back(each.layer->name);
  }
  const at::NoGradGuard no_grad;
  auto parameters = std::as_const(*settings_.optimizer).parameters();
  auto& own = settings_.optimizer->parameters();
  if (settings_.sparse == Sparse::kOn) names_.clear();
  for (const auto& each : candidates) {
    const auto& name = each.layer->name;
    if (settings_.sparse == Sparse::kOn) names_.push_back(name);
    const bool chosen = std::find(names_.begin(), names_.end(), name) != names_.end();
    const auto kept = chosen ? Make(each) : nullptr;
    if (!kept) {
      made_.erase(each.weight->tensor.unsafeGetTensorImpl());
      continue;
    }
    layers_[each.weight->tensor.unsafeGetTensorImpl()] = kept;
    auto& p = parameters[each.weight - own.data()];
    kept->Gather(p.tensor, kept->values());
    for (auto& moment : p.moments) {
      if (!moment.defined()) continue;
      const at::Tensor dense = Beside(p.tensor, moment);
      moment = at::empty_like(kept->values(), kept->values().options().requires_grad(false));
      kept->Gather(dense, moment);
    }
    p.tensor = kept->values();
  }
  if (!layers_.empty()) taken_ = settings_.optimizer->Over(std::move(parameters));
}

void KeptLayers::Return() {
  if (!taken_) return;
  const at::NoGradGuard no_grad;
  auto& own = settings_.optimizer->parameters();
  for (std::size_t i = 0; i < own.size(); i++) {
    auto& p = own[i];
    auto& taken = taken_->parameters()[i];
    p.steps = taken.steps;
    const auto found = layers_.find(p.tensor.unsafeGetTensorImpl());
    if (found == layers_.end()) {
      p.moments = std::move(taken.moments);
      continue;
    }
    const KeptLinear& kept = *found->second;
    kept.Spread(taken.tensor, p.tensor);
    kept.values().mutable_grad() = at::Tensor();
    for (std::size_t k = 0; k < p.moments.size(); k++) {
      if (!taken.moments[k].defined()) continue;
      auto& moment = p.moments[k];
      moment = moment.defined() ? Beside(p.tensor, moment)
                                : at::zeros_like(p.tensor, p.tensor.options().requires_grad(false));
      kept.Spread(taken.moments[k], moment);
    }
  }
  layers_.clear();
  taken_.reset();
}

}  // namespace torch_prune
