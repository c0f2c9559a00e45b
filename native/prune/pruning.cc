#include <ATen/ATen.h>

#include <algorithm>
#include <cmath>

#include "../base/option_list.h"
#include "../network/claim.h"
#include "../network/jobs.h"
#include "../network/network.h"
#include "../optim/optimizer.h"
#include "../tensor/tensor.h"
#include "choice.h"
#include "splicing.h"

// The arithmetic of pruning over a network's weights, as jobs: a hundred million weights take longer than an
// event loop may wait. Which layers, thresholds and densities is lib/prune's to say.
namespace torch_prune {
namespace {

at::Tensor Kept(const at::Tensor& weight) {
  const MaskHook* hook = FindMask(weight);
  return hook ? hook->keep() : at::ones_like(weight, weight.options().dtype(at::kBool).requires_grad(false));
}

double Count(const at::Tensor& flags) {
  return static_cast<double>(flags.sum().item<std::int64_t>());
}

using Work = std::function<void()>;
using Finish = std::function<Napi::Value(Napi::Env)>;

Napi::Value StartJob(Napi::Env env, const std::shared_ptr<Network>& network, Work work, Finish finish,
                     Access access = Access::kWrite, std::vector<at::Tensor> reads = {}) {
  auto& environment = Environment::Of(env);
  const auto job = environment.compute.NewJob(env);
  ClaimNetwork(environment, *job, *network, access, {"a job over its weights", std::move(reads), {}});
  job->run = [work = std::move(work), network](Job&) {
    const at::NoGradGuard no_grad;
    network->Draw();
    work();
  };
  job->finish = std::move(finish);
  return environment.compute.Start(env, job);
}

// A weight and the mask that was chosen for it, which the weight then has itself.
struct Pruned {
  std::string name;
  at::Tensor weight;
  at::Tensor keep = {};
  double kept = 0;
};

// [{count, kept}] of them.
Napi::Value KeptCounts(Napi::Env env, const std::vector<Pruned>& entries) {
  auto list = Napi::Array::New(env, entries.size());
  for (std::uint32_t i = 0; i < entries.size(); ++i) {
    auto entry = Napi::Object::New(env);
    entry.Set("count", static_cast<double>(entries[i].weight.numel()));
    entry.Set("kept", entries[i].kept);
    list.Set(i, entry);
  }
  return list;
}

// Gives every weight the mask that was chosen for it, or none of them where one would be left empty.
void SealAll(std::vector<Pruned>& entries, const Optimizers& optimizers) {
  for (auto& e : entries) {
    e.kept = Count(e.keep);
    if (e.kept == 0) throw Emptied(e.name);
  }
  for (auto& e : entries) {
    SetMask(e.weight, e.keep);
    e.keep.reset();
    SealMoments(optimizers, e.weight);
  }
}

// Mean and squared deviations of numbers that come in parts (Chan, Golub and LeVeque 1983).
struct Moments {
  double count = 0, mean = 0, squares = 0;

  void Add(const at::Tensor& part) {
    const auto added = static_cast<double>(part.numel());
    if (added == 0) return;
    const double apart = part.mean().item<double>() - mean;
    const double both = count + added;
    squares += part.var(false).item<double>() * added + apart * apart * count * added / both;
    mean += apart * added / both;
    count = both;
  }
  double Deviation() const { return count == 0 ? 0 : std::sqrt(squares / count); }
};

struct WeightStatistics {
  at::Tensor weight;
  double count = 0, kept = 0, zeros = 0, nan = 0, infinite = 0, deviation = 0, survivor_deviation = 0;

  void Compute();
};

// In parts: in double, whole weights would take several times the memory that the network does. Shorter sums
// round less, too: one over all weights is off by some 1e-12 of itself, and these are nearer to the truth.
void WeightStatistics::Compute() {
  constexpr std::int64_t kPart = 1 << 21;
  const MaskHook* const mask = FindMask(weight);
  const at::Tensor values = weight.detach().flatten();
  const at::Tensor keep = mask == nullptr ? at::Tensor() : mask->keep().flatten();
  Moments of_all, of_survivors;
  count = static_cast<double>(values.numel());
  for (std::int64_t begin = 0; begin < values.numel(); begin += kPart) {
    const std::int64_t end = std::min(begin + kPart, values.numel());
    at::Tensor part = values.slice(0, begin, end).to(at::kDouble);
    at::Tensor survivors = part;
    if (mask != nullptr) {
      const at::Tensor flags = keep.slice(0, begin, end);
      survivors = part.masked_select(flags);
      // What a spliced layer computes with; a sealed one holds the zeros itself.
      if (mask->kind() == MaskKind::kSpliced) part = part.masked_fill(flags.logical_not(), 0);
      of_all.Add(part);
    }
    of_survivors.Add(survivors);
    kept += static_cast<double>(survivors.numel());
    zeros += Count(survivors.eq(0));
    // One alone makes a deviation something else than a number.
    if (std::isfinite(of_survivors.squares)) continue;
    nan += Count(survivors.isnan());
    infinite += Count(survivors.isinf());
  }
  survivor_deviation = of_survivors.Deviation();
  deviation = mask == nullptr ? survivor_deviation : of_all.Deviation();
}

// weightStatistics(network, names): [{count, kept, zeros, nan, infinite, deviation, survivorDeviation}], the
// last two of the population. `zeros`, `nan` and `infinite` count kept weights.
Napi::Value Statistics(const Napi::CallbackInfo& info) {
  const auto network = ReadNetwork(info[0]);
  auto entries = std::make_shared<std::vector<WeightStatistics>>();
  for (const auto& name : ToStrings(info[1], "names")) entries->push_back({network->Find(name).tensor});
  return StartJob(
      info.Env(), network,
      [entries] {
        for (auto& e : *entries) e.Compute();
      },
      [entries](Napi::Env env) {
        auto list = Napi::Array::New(env, entries->size());
        for (std::uint32_t i = 0; i < entries->size(); ++i) {
          const auto& e = (*entries)[i];
          auto entry = Napi::Object::New(env);
          entry.Set("count", e.count);
          entry.Set("kept", e.kept);
          entry.Set("zeros", e.zeros);
          entry.Set("nan", e.nan);
          entry.Set("infinite", e.infinite);
          entry.Set("deviation", e.deviation);
          entry.Set("survivorDeviation", e.survivor_deviation);
          list.Set(i, entry);
        }
        return Napi::Value(list);
      },
      Access::kRead);
}

// pruneThreshold(network, name, keep): the magnitude of the smallest of a tensor's `keep` largest weights.
Napi::Value Threshold(const Napi::CallbackInfo& info) {
  const auto network = ReadNetwork(info[0]);
  const auto weight = network->Find(ToString(info[1], "name")).tensor;
  const auto keep = ToInteger(info[2], "keep");
  if (keep < 1 || keep > weight.numel()) {
    throw Error("ERR_ARGUMENT",
                "keep must be 1.." + std::to_string(weight.numel()) + ", got " + std::to_string(keep));
  }
  auto threshold = std::make_shared<double>(0);
  return StartJob(
      info.Env(), network,
      [=] {
        auto scores = weight.detach().abs().masked_fill_(Kept(weight).logical_not(), 0).flatten();
        *threshold = SmallestOfLargest(scores, keep);
      },
      [threshold](Napi::Env env) { return Napi::Number::New(env, *threshold); }, Access::kRead);
}

// pruneBelow(network, [{name, threshold}]): keeps |w| >= threshold among what is still kept, and seals the
// rest: [{count, kept}]. Masks only ever shrink; a layer that would be left empty changes nothing.
Napi::Value Below(const Napi::CallbackInfo& info) {
  const auto network = UseNetwork(info[0]);
  auto entries = std::make_shared<std::vector<Pruned>>();
  std::vector<double> thresholds;
  for (const auto& layer : ToObjects(info[1], "layers")) {
    const auto name = layer.String("name");
    entries->push_back({name, network->Find(name).tensor});
    thresholds.push_back(layer.Number("threshold"));
  }
  return StartJob(
      info.Env(), network,
      [entries, thresholds, optimizers = Environment::Of(info.Env()).optimizers] {
        for (std::size_t i = 0; i < entries->size(); ++i) {
          Pruned& e = (*entries)[i];
          e.keep = e.weight.detach().abs().ge(thresholds[i]).logical_and_(Kept(e.weight));
        }
        SealAll(*entries, optimizers);
      },
      [entries](Napi::Env env) { return KeptCounts(env, *entries); });
}

// A layer that shares a count of kept weights with others of its group.
struct Ranked {
  std::string name;
  at::Tensor weight;
  at::Tensor scores;  // a criterion's own; undefined where magnitudes are ranked
  double scale;       // what magnitudes are divided by

  explicit Ranked(const Network& network, const Options& layer)
      : name(layer.String("name")), weight(network.Find(name).tensor), scale(layer.Number("scale", 1)) {
    if (!layer.Has("scores")) return;
    scores = Unwrap(layer.Get("scores"), "scores").detach();
    if (scores.sizes() == weight.sizes()) return;
    throw Error("ERR_SHAPE", "the scores of '" + name + "' have shape " + c10::str(scores.sizes()) +
                                 ", its weights have " + c10::str(weight.sizes()));
  }

  Candidates Weights() const {
    if (scores.defined()) {
      const auto copy = [this] {
        return scores.to(weight.device(), scores.scalar_type(), /*non_blocking=*/false, /*copy=*/true);
      };
      return {"the scores of '" + name + "'", copy, Kept(weight), {}};
    }
    const auto magnitudes = [this] {
      at::Tensor size = weight.detach().abs();
      return scale == 1 ? size : size.div_(scale);
    };
    return {"the weights of '" + name + "'", magnitudes, Kept(weight), {}};
  }

  Candidates Filters() const {
    const auto norms = [this] { return weight.detach().abs().flatten(1).sum(1); };
    return {"the weights of '" + name + "'", norms, Kept(weight).flatten(1).any(1), {}};
  }

  // The mask that keeps whole filters, of what is still kept of them.
  at::Tensor MaskOf(const at::Tensor& filters) const {
    std::vector<std::int64_t> shape(weight.dim(), 1);
    shape[0] = weight.size(0);
    return filters.view(shape).logical_and(Kept(weight));
  }
};

struct RankedGroup {
  std::int64_t keep;
  bool filters;
  std::vector<Ranked> layers;

  RankedGroup(const Network& network, const Options& group)
      : keep(group.Integer("keep")), filters(group.Boolean("filters", false)) {
    for (const auto& layer : ToObjects(group.Get("layers"), "layers")) layers.emplace_back(network, layer);
  }

  void Choose(std::vector<Pruned>& pruned) const {
    std::vector<Candidates> candidates;
    for (const auto& layer : layers) candidates.push_back(filters ? layer.Filters() : layer.Weights());
    ChooseLargest(candidates, keep);
    for (std::size_t i = 0; i < layers.size(); ++i) {
      const auto& chosen = candidates[i].chosen;
      pruned.push_back({layers[i].name, layers[i].weight, filters ? layers[i].MaskOf(chosen) : chosen});
    }
  }
};

// pruneKeep(network, [{keep, filters?, layers: [{name, scale?, scores?}]}]): each group of layers keeps
// `keep` weights together, of those that are still kept: the largest |w| / scale, or the largest scores (a
// tensor of the weight's shape); or it keeps `keep` whole filters, those of the largest L1 norms. The rest is
// sealed:
// [{count, kept}]. Masks only ever shrink. A layer that would be left empty changes nothing, nor does a
// weight or a score that is not a number.
Napi::Value Keep(const Napi::CallbackInfo& info) {
  const auto network = UseNetwork(info[0]);
  auto groups = std::make_shared<std::vector<RankedGroup>>();
  for (const auto& group : ToObjects(info[1], "groups")) groups->emplace_back(*network, group);
  std::vector<at::Tensor> scores;
  for (const auto& group : *groups)
    for (const auto& layer : group.layers) scores.push_back(layer.scores);
  auto pruned = std::make_shared<std::vector<Pruned>>();
  return StartJob(
      info.Env(), network,
      [groups, pruned, optimizers = Environment::Of(info.Env()).optimizers] {
        for (const auto& group : *groups) group.Choose(*pruned);
        SealAll(*pruned, optimizers);
      },
      [pruned](Napi::Env env) { return KeptCounts(env, *pruned); }, Access::kWrite, std::move(scores));
}

// spliceOnce(network, {groups, margin, keep}): splices masks again: {returned, removed}.
Napi::Value SpliceOnce(const Napi::CallbackInfo& info) {
  const auto network = UseNetwork(info[0]);
  const Options options(info[1], "options");
  const auto splicing = std::make_shared<Splicing>(*network, options);
  const auto keep = ToIntegers(options.Get("keep"), "keep");
  if (keep.size() != splicing->groups()) throw Error("ERR_ARGUMENT", "keep must hold one number a group");
  return StartJob(
      info.Env(), network, [splicing, keep] { splicing->Refresh(keep.data()); },
      [splicing](Napi::Env env) { return splicing->Counts(env); });
}

// connections(network, names): [{incoming: Uint8Array, outgoing: Uint8Array}]: of each output neuron (or
// channel), whether a weight into it is kept; of each input neuron (or channel), whether a weight out of it
// is.
Napi::Value Connections(const Napi::CallbackInfo& info) {
  struct Entry {
    at::Tensor weight, incoming, outgoing;
    std::int64_t groups;
    bool inputs_first;
  };
  const auto network = ReadNetwork(info[0]);
  auto entries = std::make_shared<std::vector<Entry>>();
  for (const auto& name : ToStrings(info[1], "names")) {
    const auto& named = network->Find(name);
    entries->push_back({named.tensor, {}, {}, named.layer->groups(), named.layer->InputsFirst()});
  }
  return StartJob(
      info.Env(), network,
      [entries] {
        for (auto& e : *entries) {
          // [groups, out / groups, in / groups, kernel], or with inputs before outputs
          const auto keep =
              Kept(e.weight).reshape({e.groups, e.weight.size(0) / e.groups, e.weight.size(1), -1}).any(3);
          e.incoming = keep.any(e.inputs_first ? 1 : 2).flatten().to(at::kCPU, at::kByte).contiguous();
          e.outgoing = keep.any(e.inputs_first ? 2 : 1).flatten().to(at::kCPU, at::kByte).contiguous();
        }
      },
      [entries](Napi::Env env) {
        const auto bytes = [env](const at::Tensor& flags) {
          auto array = Napi::Uint8Array::New(env, flags.numel());
          std::copy_n(flags.const_data_ptr<std::uint8_t>(), flags.numel(), array.Data());
          return array;
        };
        auto list = Napi::Array::New(env, entries->size());
        for (std::uint32_t i = 0; i < entries->size(); ++i) {
          auto entry = Napi::Object::New(env);
          entry.Set("incoming", bytes((*entries)[i].incoming));
          entry.Set("outgoing", bytes((*entries)[i].outgoing));
          list.Set(i, entry);
        }
        return Napi::Value(list);
      },
      Access::kRead);
}

}  // namespace

void RegisterPruning(Napi::Object exports) {
  Export<Statistics>(exports, "weightStatistics");
  Export<Threshold>(exports, "pruneThreshold");
  Export<Below>(exports, "pruneBelow");
  Export<Keep>(exports, "pruneKeep");
  Export<SpliceOnce>(exports, "spliceOnce");
  Export<Connections>(exports, "connections");
}

}  // namespace torch_prune
