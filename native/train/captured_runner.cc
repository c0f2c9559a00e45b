#include "captured_runner.h"

#include <ATen/ATen.h>

#include <bit>
#include <utility>

#include "../base/errors.h"
#include "../parameter/parametrization.h"

namespace torch_prune {
namespace {

// Eager steps before one is recorded: libraries choose their algorithms, and moments are made.
constexpr int kWarmUp = 3;

bool Alike(const at::Tensor& one, const at::Tensor& other) {
  return one.sizes() == other.sizes() && one.dtype() == other.dtype();
}

std::uintptr_t Place(const at::Tensor& tensor) {
  return tensor.defined() ? reinterpret_cast<std::uintptr_t>(tensor.const_data_ptr()) : 0;
}

}  // namespace

const char* CapturedRunner::Obstacle() const {
  if (!settings().capture) return "capture is false";
  if (!settings().network->device().is_cuda()) return "the network is not on a GPU";
  if (!DeviceGraph::Built()) return "the addon was built without the headers of the CUDA runtime";
  if (!settings().optimizer->fused()) return "the optimizer is not fused";
  if (settings().accumulate != 1) return "gradients are accumulated over several batches";
  if (!settings().loss->CountIsFixed()) return "the loss weighs classes, or passes some over";
  if (!settings().dataset->labels().defined()) return "labels come with each batch, and are checked there";
  if (group().size() != 1) return "several processes train together";
  for (const auto& named : settings().network->tensors()) {
    const auto* of = Parametrization::Of(named.tensor);
    if (of != nullptr && !of->CanRecord())
      return "bits have a price, which the values of weights are chosen by";
  }
  if (settings().autocast == AutocastTo::kFloat16)
    return "gradients in float16 are checked before each step, and some steps are left out";
  return nullptr;
}

std::string CapturedRunner::why_eager() const {
  const char* obstacle = Obstacle();
  return obstacle != nullptr ? obstacle : failure_;
}

void CapturedRunner::Changed() {
  if (recorded_ && recorded_->stands_on != StandsOn()) {
    recorded_.reset();
    alike_ = 0;
  }
}

Runner::Outcome CapturedRunner::Gather(const Dataset::Batch& batch, const at::Tensor& images,
                                       std::int64_t step) {
  if (batch.targets) return EagerRunner::Gather(batch, images, step);
  if (!Fits(batch, images) && failure_.empty() && Obstacle() == nullptr && WarmedUp(batch, images))
    Record(batch, images, step);
  if (!Fits(batch, images)) return EagerRunner::Gather(batch, images, step);
  alike_ = 0;
  recorded_->images.copy_(images);
  recorded_->labels.copy_(batch.labels);
  if (recorded_->taught.defined())
    recorded_->taught.copy_(settings().distillation.Taught(batch, images.device()));
  due_ = true;
  return {{}, recorded_->counts.count, true};
}

void CapturedRunner::Update(double rate) {
  if (!std::exchange(due_, false)) return EagerRunner::Update(rate);
  settings().optimizer->Count(recorded_->step, rate);
  recorded_->graph->Replay();
  tally().Add(recorded_->counts);
  if (settings().keep_losses) tally().Keep(recorded_->loss);
  ++captured_;
}

bool CapturedRunner::Fits(const Dataset::Batch& batch, const at::Tensor& images) const {
  return recorded_ && Alike(recorded_->images, images) && Alike(recorded_->labels, batch.labels);
}

bool CapturedRunner::WarmedUp(const Dataset::Batch& batch, const at::Tensor& images) {
  auto shape = images.sizes().vec();
  shape.insert(shape.end(), batch.labels.sizes().begin(), batch.labels.sizes().end());
  if (shape != shape_) alike_ = 0;
  shape_ = std::move(shape);
  return ++alike_ > kWarmUp && settings().optimizer->CanRecord();
}

void CapturedRunner::Record(const Dataset::Batch& batch, const at::Tensor& images, std::int64_t step) {
  const auto& network = *settings().network;
  auto& optimizer = *settings().optimizer;
  recorded_.reset();  // batches have another shape from now on
  try {
    Recorded made;
    made.graph = DeviceGraph::Make(network.device(), network.generator());
    // As the network computes with them, so that copying a batch there arranges it as well.
    made.images = images.dim() == 4 ? images.clone(network.format()) : images.clone();
    made.labels = batch.labels.clone();
    made.taught = settings().distillation.Taught(batch, images.device());
    made.step = optimizer.Prepare();
    Begin();
    made.graph->Record([&] {
      const Dataset::Batch still{made.images, made.labels, batch.indices};
      const auto learned = Learn(still, made.images, made.taught, step);
      made.counts =
          tally().AddSums(*settings().loss, learned.loss, learned.count, learned.outputs, made.labels);
      FinishGradients();
      optimizer.Step(made.step);
      made.loss = learned.loss.detach();
    });
    made.stands_on = StandsOn();
    recorded_ = std::move(made);
  } catch (...) {
    failure_ = "recording a step failed: " + Describe(std::current_exception()).message;
  }
  Begin();
}

std::vector<std::uintptr_t> CapturedRunner::StandsOn() const {
  const auto& network = *settings().network;
  std::vector<std::uintptr_t> places{
      reinterpret_cast<std::uintptr_t>(network.generator().unsafeGetGeneratorImpl())};
  for (const auto& named : network.tensors()) {
    const auto* parametrization = Parametrization::Of(named.tensor);
    places.push_back(Place(named.tensor));
    places.push_back(named.tensor.requires_grad());
    places.push_back(reinterpret_cast<std::uintptr_t>(parametrization));
    if (parametrization != nullptr) places.push_back(Place(parametrization->keep()));
  }
  for (const auto& layer : network.layers()) {
    places.push_back(layer->trainable);
    places.push_back(std::bit_cast<std::uintptr_t>(layer->dropout()));
  }
  for (const auto& p : settings().optimizer->parameters())
    for (const auto& moment : p.moments) places.push_back(Place(moment));
  return places;
}

}  // namespace torch_prune
