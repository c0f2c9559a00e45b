#include "statistics.h"

#include <ATen/ATen.h>

#include <algorithm>
#include <cmath>

#include "../network/jobs.h"
#include "../parameter/parametrization.h"
#include "scored.h"
#include "weights_job.h"

// What a network's weights are like, as jobs that change nothing.
namespace torch_prune {
namespace {

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

}  // namespace

// In parts: in double, whole weights would take several times the memory that the network does. Shorter sums
// round less, too: one over all weights is off by some 1e-12 of itself, and these are nearer to the truth.
Statistics StatisticsOf(const at::Tensor& weight, const at::Tensor& kept) {
  constexpr std::int64_t kPart = 1 << 21;
  const at::Tensor values = weight.detach().flatten();
  const at::Tensor keep = kept.defined() ? kept.flatten() : at::Tensor();
  Moments of_all, of_survivors;
  Statistics found;
  found.count = static_cast<double>(values.numel());
  for (std::int64_t begin = 0; begin < values.numel(); begin += kPart) {
    const std::int64_t end = std::min(begin + kPart, values.numel());
    const at::Tensor part = values.slice(0, begin, end).to(at::kDouble);
    at::Tensor survivors = part;
    if (keep.defined()) {
      const at::Tensor flags = keep.slice(0, begin, end);
      survivors = part.masked_select(flags);
      of_all.Add(part.masked_fill(flags.logical_not(), 0));
    }
    of_survivors.Add(survivors);
    found.kept += static_cast<double>(survivors.numel());
    found.zeros += CountOf(survivors.eq(0));
    // One alone makes a deviation something else than a number.
    if (std::isfinite(of_survivors.squares)) continue;
    found.nan += CountOf(survivors.isnan());
    found.infinite += CountOf(survivors.isinf());
  }
  found.survivor_deviation = of_survivors.Deviation();
  found.deviation = keep.defined() ? of_all.Deviation() : found.survivor_deviation;
  return found;
}

namespace {

// weightStatistics(network, names): [{count, kept, zeros, nan, infinite, deviation, survivorDeviation}], the
// last two of the population. `zeros`, `nan` and `infinite` count kept weights.
Napi::Value WeightStatistics(const Napi::CallbackInfo& info) {
  const auto network = ReadNetwork(info[0]);
  auto weights = std::make_shared<std::vector<at::Tensor>>();
  for (const auto& name : ToStrings(info[1], "names")) weights->push_back(network->Find(name).tensor);
  auto found = std::make_shared<std::vector<Statistics>>();
  return StartWeightsJob(
      info.Env(), network,
      [weights, found] {
        for (const auto& weight : *weights) found->push_back(StatisticsOf(weight, KeptMask(weight)));
      },
      [found](Napi::Env env) {
        auto list = Napi::Array::New(env, found->size());
        for (std::uint32_t i = 0; i < found->size(); ++i) {
          const auto& each = (*found)[i];
          auto entry = Napi::Object::New(env);
          entry.Set("count", each.count);
          entry.Set("kept", each.kept);
          entry.Set("zeros", each.zeros);
          entry.Set("nan", each.nan);
          entry.Set("infinite", each.infinite);
          entry.Set("deviation", each.deviation);
          entry.Set("survivorDeviation", each.survivor_deviation);
          list.Set(i, entry);
        }
        return Napi::Value(list);
      },
      Access::kRead);
}

// pruneThresholds(network, names, keep): of each tensor, the magnitude of the smallest of its `keep` largest
// weights.
Napi::Value Thresholds(const Napi::CallbackInfo& info) {
  const auto network = ReadNetwork(info[0]);
  const auto names = ToStrings(info[1], "names");
  const auto keep = ToIntegers(info[2], "keep");
  if (keep.size() != names.size()) throw Error("ERR_ARGUMENT", "keep must hold one number for each name");
  std::vector<at::Tensor> weights;
  for (std::size_t i = 0; i < names.size(); ++i) {
    const at::Tensor& weight = network->Find(names[i]).tensor;
    if (keep[i] < 1 || keep[i] > weight.numel()) {
      throw Error("ERR_ARGUMENT", "keep must be 1.." + std::to_string(weight.numel()) + " for '" + names[i] +
                                      "', got " + std::to_string(keep[i]));
    }
    weights.push_back(weight);
  }
  auto thresholds = std::make_shared<std::vector<double>>();
  return StartWeightsJob(
      info.Env(), network,
      [=] {
        for (std::size_t i = 0; i < weights.size(); ++i) {
          const at::Tensor& weight = weights[i];
          auto scores = weight.detach().abs().masked_fill_(Kept(weight).logical_not(), 0).flatten();
          thresholds->push_back(SmallestOfLargest(scores, keep[i]));
        }
      },
      [thresholds](Napi::Env env) {
        auto list = Napi::Array::New(env, thresholds->size());
        for (std::uint32_t i = 0; i < thresholds->size(); ++i) list.Set(i, (*thresholds)[i]);
        return Napi::Value(list);
      },
      Access::kRead);
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
  return StartWeightsJob(
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

void RegisterStatistics(Napi::Object exports) {
  Export<WeightStatistics>(exports, "weightStatistics");
  Export<Thresholds>(exports, "pruneThresholds");
  Export<Connections>(exports, "connections");
}

}  // namespace torch_prune
