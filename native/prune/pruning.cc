#include <ATen/ATen.h>

#include <algorithm>
#include <memory>
#include <vector>

#include "../network/jobs.h"
#include "../parameter/parametrization.h"
#include "../parameter/slots.h"
#include "selection.h"
#include "splicing.h"
#include "weights_job.h"

// Masks by a criterion: lib/prune says which layers, scores and densities.
namespace torch_prune {

std::unique_ptr<Selection> ToSelection(const Napi::Value& value, std::size_t layers) {
  Given selection(value, "selection");
  const auto kind = selection.Take<std::string>("kind");
  if (kind == "threshold") return ToThreshold(selection, layers);
  if (kind == "largest") return ToLargest(selection, layers);
  if (kind == "nm") return ToNm(selection, layers);
  throw Error("ERR_ARGUMENT", "there is no selection '" + kind + "'");
}

namespace {

// Gives every weight the mask that was chosen for it, or none of them where one would be left empty.
void SealAll(std::vector<Scored>& layers, const Optimizers& optimizers) {
  for (auto& layer : layers) {
    layer.kept = CountOf(layer.keep);
    if (layer.kept == 0) throw Emptied(layer.name);
  }
  std::vector<std::unique_ptr<Parametrization>> made;
  for (auto& layer : layers) {
    made.push_back(MakePruned(layer.weight, layer.keep));
    layer.keep.reset();  // what was made has it now
  }
  for (std::size_t i = 0; i < layers.size(); ++i) {
    Parametrization::Put(layers[i].weight, std::move(made[i]));
    SettleMoments(optimizers, layers[i].weight);
  }
}

// pruneSelect(network, [{name, scores?, initial?}], selection): keeps what is selected of what is still kept,
// and seals the rest: [{count, kept, nan, infinite}]. Masks only ever shrink. Nothing changes where a layer
// would be left empty, a score is not a number, or kept weights are NaN or infinite, which are counted.
Napi::Value Select(const Napi::CallbackInfo& info) {
  const auto network = UseNetwork(info[0]);
  auto layers = std::make_shared<std::vector<Scored>>();
  for (const auto& given : ReadList(kScoredFields, info[1], "layers")) layers->emplace_back(*network, given);
  const std::shared_ptr<Selection> selection = ToSelection(info[2], layers->size());
  std::vector<at::Tensor> scores;
  for (const auto& layer : *layers)
    if (layer.scores.defined()) scores.push_back(layer.scores);
  return StartWeightsJob(
      info.Env(), network,
      [layers, selection, optimizers = Environment::Of(info.Env()).optimizers] {
        for (auto& layer : *layers) layer.Look();
        if (!std::ranges::all_of(*layers, &Scored::finite)) return;
        selection->Choose(*layers);
        SealAll(*layers, optimizers);
      },
      [layers](Napi::Env env) {
        auto list = Napi::Array::New(env, layers->size());
        for (std::uint32_t i = 0; i < layers->size(); ++i) {
          const auto& layer = (*layers)[i];
          auto entry = Napi::Object::New(env);
          entry.Set("count", static_cast<double>(layer.weight.numel()));
          entry.Set("kept", layer.kept);
          entry.Set("nan", layer.weights.nan);
          entry.Set("infinite", layer.weights.infinite);
          list.Set(i, entry);
        }
        return Napi::Value(list);
      },
      Access::kWrite, std::move(scores));
}

// spliceOnce(network, {groups, margin, keep}): splices masks again: {returned, removed}.
Napi::Value SpliceOnce(const Napi::CallbackInfo& info) {
  const auto network = UseNetwork(info[0]);
  const auto options = kSplicingFields.Read(info[1], "options");
  const auto splicing = std::make_shared<Splicing>(*network, options);
  const auto& keep = options.keep;
  if (keep.size() != splicing->groups()) throw Error("ERR_ARGUMENT", "keep must hold one number per group");
  return StartWeightsJob(
      info.Env(), network, [splicing, keep] { splicing->Refresh(keep.data()); },
      [splicing](Napi::Env env) { return splicing->Counts(env); });
}

}  // namespace

void RegisterPruning(Napi::Object exports) {
  Export<Select>(exports, "pruneSelect");
  Export<SpliceOnce>(exports, "spliceOnce");
}

}  // namespace torch_prune
