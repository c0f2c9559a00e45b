#include "kept_layers.h"

#include <ATen/ATen.h>
#include <ATen/CPUGeneratorImpl.h>
#include <ATen/core/grad_mode.h>
#include <torch/csrc/autograd/autograd.h>
#include <torch/csrc/autograd/variable.h>

#include <algorithm>
#include <utility>

#include "../base/timing.h"
#include "../parameter/parametrization.h"

namespace torch_prune {
namespace {

// A layer is measured in turns in both forms: until that has taken so long, at least kFewestRuns and at most
// kMostRuns times, or until one is so many times as fast as the other, which kClearRuns must show: any one
// may have waited for something else.
constexpr double kMillisecondsPerLayer = 20;
constexpr int kFewestRuns = 5, kMostRuns = 40, kClearRuns = 3;
constexpr double kClearly = 2;
// Dense stays where the gain is no more than what two measurements differ by.
constexpr double kWorthIt = 0.9;

// The weight of a layer that is nothing but a product by a matrix.
at::Tensor MatrixOf(const Layer& layer) {
  const auto lowering = layer.Lower();
  const auto* product = std::get_if<Product>(&lowering);
  return product != nullptr && !product->window ? product->weight : at::Tensor();
}

// The mask of a parameter whose pruned weights stay +0 whatever an optimizer does, and whose others layers
// read as they are: not as values that they share.
at::Tensor FixedMask(const at::Tensor& parameter) {
  const auto* parametrization = Parametrization::Of(parameter);
  if (parametrization == nullptr || parametrization->index().defined()) return {};
  return parametrization->gradient_mask();
}

// The dense moment of a parameter: what there was, if anything was, with its kept values in their places.
at::Tensor Spread(const KeptLinear& layer, const at::Tensor& kept, const OptimizedParameter& p,
                  const at::Tensor& before) {
  const at::Tensor dense = before.defined()
                               ? Beside(p.tensor, before)
                               : at::zeros_like(p.tensor, p.tensor.options().requires_grad(false));
  layer.Spread(kept, dense);
  return dense;
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
  const at::NoGradGuard no_grad;
  const auto& layers = settings_.network->layers();
  bool trains = false;  // whether something in front is trained
  for (std::size_t i = settings_.after + 1; i < layers.size(); i++) {
    Layer& layer = *layers[i];
    if (!layer.trainable || layer.parameters().empty()) continue;
    const at::Tensor weight = MatrixOf(layer);
    const bool differentiates = trains;
    trains = true;
    if (!weight.defined() || !weight.requires_grad() || !KeptLinear::Fits(weight, FixedMask(weight)))
      continue;
    // Whoever hooked its gradient expects a dense one.
    if (!torch::autograd::impl::hooks(weight).empty()) continue;
    for (auto& p : settings_.optimizer->parameters())
      if (p.tensor.is_same(weight)) candidates.push_back({&layer, &p, differentiates});
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
    std::vector<at::Tensor> sources{kept->values()};
    for (const auto& parameter : candidate.layer->parameters()) sources.push_back(parameter.tensor);
    if (input.requires_grad()) sources.push_back(input);
    torch::autograd::grad({output}, sources, {output.detach()}, /*retain_graph=*/false,
                          /*create_graph=*/false, /*allow_unused=*/true);
  };
  const auto time = [&](const KeptLinears& layers) { return Milliseconds([&] { step(layers); }); };
  // The first run of each makes what the others find.
  time(dense), time(sparse);
  std::vector<double> of_dense, of_sparse;
  double spent = 0;
  for (int run = 0; run < kMostRuns && (run < kFewestRuns || spent < kMillisecondsPerLayer); run++) {
    of_dense.push_back(time(dense));
    of_sparse.push_back(time(sparse));
    spent += of_dense.back() + of_sparse.back();
    const double ratio = Median(of_sparse) / Median(of_dense);
    if (run + 1 >= kClearRuns && (ratio < 1 / kClearly || ratio > kClearly)) break;
  }
  kept->values().mutable_grad() = at::Tensor();
  return Median(of_sparse) < kWorthIt * Median(of_dense);
}

void KeptLayers::Choose(const std::vector<Candidate>& candidates) {
  const bool all = settings_.sparse == Sparse::kOn;
  if (std::exchange(chosen_, true) && !all) return;
  names_.clear();
  for (const auto& each : candidates)
    if (all || IsFaster(each, Make(each))) names_.push_back(each.layer->name);
}

void KeptLayers::Take() {
  const auto candidates = Candidates();
  Choose(candidates);
  const at::NoGradGuard no_grad;
  auto& own = settings_.optimizer->parameters();
  auto parameters = own;
  KeptLinears made;
  for (const auto& each : candidates) {
    if (std::find(names_.begin(), names_.end(), each.layer->name) == names_.end()) continue;
    const auto kept = Make(each);
    auto& p = parameters[each.weight - own.data()];
    kept->Gather(p.tensor, kept->values());
    for (auto& moment : p.moments) {
      if (!moment.defined()) continue;
      const at::Tensor dense = Beside(p.tensor, moment);
      moment = at::empty_like(kept->values(), kept->values().options().requires_grad(false));
      kept->Gather(dense, moment);
    }
    made[p.tensor.unsafeGetTensorImpl()] = kept;
    p.tensor = kept->values();
  }
  made_ = made;
  if (made.empty()) return;
  taken_ = settings_.optimizer->Over(std::move(parameters));
  layers_ = std::move(made);
}

void KeptLayers::Return() {
  if (!taken_) return;
  const at::NoGradGuard no_grad;
  const auto taken = std::exchange(taken_, nullptr);
  const auto layers = std::exchange(layers_, {});
  auto& own = settings_.optimizer->parameters();
  for (auto& p : own) {
    const auto found = layers.find(p.tensor.unsafeGetTensorImpl());
    if (found == layers.end()) continue;
    const auto& values = found->second->values();
    found->second->Spread(values, p.tensor);
    values.mutable_grad() = at::Tensor();
  }
  for (std::size_t i = 0; i < own.size(); i++) {
    auto& p = own[i];
    auto& stepped = taken->parameters()[i];
    const auto found = layers.find(p.tensor.unsafeGetTensorImpl());
    if (found == layers.end()) {
      p.moments = std::move(stepped.moments);
    } else {
      for (std::size_t k = 0; k < p.moments.size(); k++) {
        if (stepped.moments[k].defined())
          p.moments[k] = Spread(*found->second, stepped.moments[k], p, p.moments[k]);
      }
    }
    p.steps = stepped.steps;
  }
}

TakenLayers::~TakenLayers() {
  try {
    layers_.Return();
  } catch (...) {
    // The run has failed for want of memory, and there is none for its moments either: they are those of
    // before it.
  }
}

}  // namespace torch_prune
