#include <ATen/ATen.h>

#include <algorithm>
#include <limits>

#include "../arguments.h"
#include "../tensor/tensor.h"
#include "choice.h"
#include "jobs.h"
#include "network.h"
#include "optimizer.h"
#include "splicing.h"

// The arithmetic of pruning over a network's weights, as jobs: a hundred million weights take longer than an
// event loop may wait. Which layers, thresholds and densities is lib/prune's to say.
namespace torch_prune {
namespace {

at::Tensor Kept(const at::Tensor& weight) {
  const MaskHook* hook = FindMask(weight);
  return hook ? hook->keep() : at::ones_like(weight, weight.options().dtype(at::kBool).requires_grad(false));
}

using Work = std::function<void()>;
using Finish = std::function<Napi::Value(Napi::Env)>;

Napi::Value StartJob(Napi::Env env, const std::shared_ptr<Network>& network, Work work, Finish finish) {
  auto& environment = Environment::Of(env);
  const auto job = environment.compute.NewJob(env);
  job->claim = environment.ownership.Take(network->Owned());
  job->run = [work = std::move(work), network](Job&) {
    const at::NoGradGuard no_grad;
    work();
  };
  job->finish = std::move(finish);
  return environment.compute.Start(env, job);
}

// [{count, kept}] of entries with a `keep` mask.
template <typename Entries>
Napi::Value KeptCounts(Napi::Env env, const Entries& entries) {
  auto list = Napi::Array::New(env, entries.size());
  for (std::uint32_t i = 0; i < entries.size(); ++i) {
    auto entry = Napi::Object::New(env);
    entry.Set("count", static_cast<double>(entries[i].keep.numel()));
    entry.Set("kept", entries[i].kept);
    list.Set(i, entry);
  }
  return list;
}

// Gives every weight the mask that was chosen for it, or none of them where one would be left empty.
template <typename Entries>
void SealAll(Entries& entries, const Optimizers& optimizers) {
  for (auto& e : entries) {
    e.kept = static_cast<double>(e.keep.sum().template item<std::int64_t>());
    if (e.kept == 0) throw Emptied(e.name);
  }
  for (const auto& e : entries) {
    SetMask(e.weight, e.keep);
    SealMoments(optimizers, e.weight);
  }
}

// weightStatistics(network, names): [{count, kept, deviation, survivorDeviation}], deviations of the
// population.
Napi::Value Statistics(const Napi::CallbackInfo& info) {
  struct Entry {
    at::Tensor weight;
    double count = 0, kept = 0, deviation = 0, survivors = 0;
  };
  const auto network = UseNetwork(info[0]);
  auto entries = std::make_shared<std::vector<Entry>>();
  for (const auto& name : ToStrings(info[1], "names")) entries->push_back({network->Find(name).tensor});
  return StartJob(
      info.Env(), network,
      [entries] {
        for (auto& e : *entries) {
          const auto keep = Kept(e.weight);
          e.count = static_cast<double>(e.weight.numel());
          e.kept = static_cast<double>(keep.sum().item<std::int64_t>());
          e.deviation = Effective(e.weight).detach().to(at::kDouble).std(false).item<double>();
          const auto survivors = e.weight.detach().masked_select(keep).to(at::kDouble);
          e.survivors = survivors.numel() == 0 ? 0 : survivors.std(false).item<double>();
        }
      },
      [entries](Napi::Env env) {
        auto list = Napi::Array::New(env, entries->size());
        for (std::uint32_t i = 0; i < entries->size(); ++i) {
          const auto& e = (*entries)[i];
          auto entry = Napi::Object::New(env);
          entry.Set("count", e.count);
          entry.Set("kept", e.kept);
          entry.Set("deviation", e.deviation);
          entry.Set("survivorDeviation", e.survivors);
          list.Set(i, entry);
        }
        return Napi::Value(list);
      });
}

// pruneThreshold(network, names, scales, keep): the threshold on |w| / scale above or at which `keep` of the
// weights of all the named tensors stand (pruned ones count as 0). Infinity where none is to stay.
Napi::Value Threshold(const Napi::CallbackInfo& info) {
  const auto network = UseNetwork(info[0]);
  std::vector<at::Tensor> weights;
  for (const auto& name : ToStrings(info[1], "names")) weights.push_back(network->Find(name).tensor);
  const auto scales = ToNumbers(info[2], "scales");
  const auto keep = ToInteger(info[3], "keep");
  if (scales.size() != weights.size()) throw Error("ERR_ARGUMENT", "scales must hold one number a tensor");
  auto threshold = std::make_shared<double>(0);
  return StartJob(
      info.Env(), network,
      [=] {
        std::vector<at::Tensor> scores;
        for (std::size_t i = 0; i < weights.size(); ++i) {
          const auto pruned = Kept(weights[i]).logical_not();
          scores.push_back(weights[i].detach().abs().masked_fill_(pruned, 0).div_(scales[i]).flatten());
        }
        *threshold = ThresholdOf(at::cat(scores), keep, 0);
      },
      [threshold](Napi::Env env) { return Napi::Number::New(env, *threshold); });
}

// pruneBelow(network, names, thresholds, scales): keeps |w| / scale >= threshold among what is still kept,
// and seals the rest: [{count, kept}]. Masks only ever shrink; a layer that would be left empty changes
// nothing.
Napi::Value Below(const Napi::CallbackInfo& info) {
  struct Entry {
    std::string name;
    at::Tensor weight;
    double threshold, scale;
    at::Tensor keep;
    double kept = 0;
  };
  const auto network = UseNetwork(info[0]);
  auto entries = std::make_shared<std::vector<Entry>>();
  const auto names = ToStrings(info[1], "names");
  const auto thresholds = ToNumbers(info[2], "thresholds");
  const auto scales = ToNumbers(info[3], "scales");
  if (thresholds.size() != names.size() || scales.size() != names.size()) {
    throw Error("ERR_ARGUMENT", "thresholds and scales must hold one number a tensor");
  }
  for (std::size_t i = 0; i < names.size(); ++i) {
    entries->push_back({names[i], network->Find(names[i]).tensor, thresholds[i], scales[i], {}});
  }
  return StartJob(
      info.Env(), network,
      [entries, optimizers = Environment::Of(info.Env()).optimizers] {
        for (auto& e : *entries) {
          e.keep = e.weight.detach().abs().div_(e.scale).ge(e.threshold).logical_and_(Kept(e.weight));
        }
        SealAll(*entries, optimizers);
      },
      [entries](Napi::Env env) { return KeptCounts(env, *entries); });
}

// pruneScored(network, names, scores, keep): of the weights of all the named tensors that are still kept,
// keeps the `keep` with the largest scores (ties stay) and seals the rest: [{count, kept}]. `scores` are
// tensors of the weights' shapes; a layer that would be left empty, or a score that is not a number, changes
// nothing.
Napi::Value Scored(const Napi::CallbackInfo& info) {
  struct Entry {
    std::string name;
    at::Tensor weight, score, keep;
    double kept = 0;
  };
  const auto network = UseNetwork(info[0]);
  const auto names = ToStrings(info[1], "names");
  const auto handles = ToArray(info[2], "scores");
  const auto keep = ToInteger(info[3], "keep");
  if (handles.Length() != names.size()) throw Error("ERR_ARGUMENT", "scores must hold one tensor a weight");
  auto entries = std::make_shared<std::vector<Entry>>();
  for (std::uint32_t i = 0; i < handles.Length(); ++i) {
    const at::Tensor weight = network->Find(names[i]).tensor;
    const at::Tensor score = Unwrap(handles.Get(i), "score").detach();
    if (score.sizes() != weight.sizes()) {
      throw Error("ERR_SHAPE", "the scores of '" + names[i] + "' have shape " + c10::str(score.sizes()) +
                                   ", its weights have " + c10::str(weight.sizes()));
    }
    entries->push_back({names[i], weight, score, {}});
  }
  return StartJob(
      info.Env(), network,
      [entries, keep, optimizers = Environment::Of(info.Env()).optimizers] {
        constexpr double kLowest = -std::numeric_limits<double>::infinity();
        std::vector<at::Tensor> all;
        for (auto& e : *entries) {
          const auto score = e.score.to(e.weight.device(), at::kFloat);
          if (score.isnan().any().item<bool>()) {
            throw Error("ERR_ARGUMENT", "the scores of '" + e.name + "' hold NaN: a criterion gives numbers");
          }
          e.score = score.masked_fill(Kept(e.weight).logical_not(), kLowest);
          all.push_back(e.score.flatten());
        }
        const double threshold = ThresholdOf(at::cat(all), keep, kLowest);
        for (auto& e : *entries) {
          e.keep = e.score.ge(threshold).logical_and_(Kept(e.weight));
        }
        SealAll(*entries, optimizers);
      },
      [entries](Napi::Env env) { return KeptCounts(env, *entries); });
}

// spliceOnce(network, {groups, scales, margin, keep}): splices masks again: {returned, removed}.
Napi::Value SpliceOnce(const Napi::CallbackInfo& info) {
  const auto network = UseNetwork(info[0]);
  const Options options(info[1], "options");
  const auto splicing = std::make_shared<Splicing>(*network, options);
  const auto keep = ToNumbers(options.Get("keep"), "keep");
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
  };
  const auto network = UseNetwork(info[0]);
  auto entries = std::make_shared<std::vector<Entry>>();
  for (const auto& name : ToStrings(info[1], "names")) {
    const auto& named = network->Find(name);
    entries->push_back({named.tensor, {}, {}, named.layer->groups()});
  }
  return StartJob(
      info.Env(), network,
      [entries] {
        for (auto& e : *entries) {
          // [groups, out / groups, in / groups, kernel]
          const auto keep =
              Kept(e.weight).reshape({e.groups, e.weight.size(0) / e.groups, e.weight.size(1), -1}).any(3);
          e.incoming = keep.any(2).flatten().to(at::kCPU, at::kByte).contiguous();
          e.outgoing = keep.any(1).flatten().to(at::kCPU, at::kByte).contiguous();
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
      });
}

}  // namespace

void RegisterPruning(Napi::Object exports) {
  Export<Statistics>(exports, "weightStatistics");
  Export<Threshold>(exports, "pruneThreshold");
  Export<Below>(exports, "pruneBelow");
  Export<Scored>(exports, "pruneScored");
  Export<SpliceOnce>(exports, "spliceOnce");
  Export<Connections>(exports, "connections");
}

}  // namespace torch_prune
