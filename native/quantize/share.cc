#include <ATen/ATen.h>

#include "../base/fields.h"
#include "../kernels/kmeans.h"
#include "../parameter/parametrization.h"
#include "../parameter/slots.h"
#include "../prune/weights_job.h"
#include "jobs.h"

namespace torch_prune {

// How clusters are found: exactly, by Lloyd's algorithm, or exactly where that is quick.
enum class ClusterMethod { kAuto, kBest, kLloyd };
template <>
struct WordsOf<ClusterMethod> {
  static constexpr std::array kWords{Word{"auto", ClusterMethod::kAuto}, Word{"best", ClusterMethod::kBest},
                                     Word{"lloyd", ClusterMethod::kLloyd}};
};

namespace {

// A weight that is to share values, and what comes of it.
struct Shared {
  std::string name;
  at::Tensor weight;
  std::int64_t values;  // how many at most
  ClusterMethod method;
  std::int64_t kept = 0, found = 0;
  double squares = 0;  // of the distances that weights are moved by, summed
  std::unique_ptr<Parametrization> made = nullptr;

  void Cluster();

 private:
  ClusterBegins ClustersOf(const SortedNumbers& numbers) const;
};

// Exact where it takes a second at most, and a few dozen megabytes.
ClusterBegins Shared::ClustersOf(const SortedNumbers& numbers) const {
  constexpr double kMostWork = 2e8, kMostRemembered = 16e6;
  const bool quick = BestClustersWork(numbers.size(), values) <= kMostWork &&
                     static_cast<double>(numbers.size()) * static_cast<double>(values) <= kMostRemembered;
  const bool best = method == ClusterMethod::kBest || (method == ClusterMethod::kAuto && quick);
  return best ? BestClusters(numbers, values) : LloydClusters(numbers, values);
}

// Finds clusters of the kept weights, and makes what gives all weights of one its mean.
void Shared::Cluster() {
  const at::Tensor keep = KeptMask(weight);
  const at::Tensor dense = weight.detach().to(at::kCPU, at::kFloat).contiguous();
  const at::Tensor kept_flags = keep.defined() ? keep.cpu().contiguous() : at::Tensor();
  const at::Tensor survivors = (keep.defined() ? dense.masked_select(kept_flags) : dense.flatten());
  kept = survivors.numel();
  at::Tensor index = at::zeros(weight.sizes(), at::kInt);
  if (kept > 0) {
    if (!survivors.isfinite().all().item<bool>())
      throw Error("ERR_ARGUMENT", "weights of '" + name + "' are NaN or infinite: nothing was quantized");
    const at::Tensor sorted = std::get<0>(survivors.sort());
    const auto* first = sorted.const_data_ptr<float>();
    const SortedNumbers numbers(std::vector<float>(first, first + kept));
    const ClusterBegins begins = ClustersOf(numbers);
    found = static_cast<std::int64_t>(begins.size());
    std::vector<float> least;  // of each cluster but the first
    for (std::size_t c = 0; c < begins.size(); ++c) {
      if (c > 0) least.push_back(numbers[begins[c]]);
      squares += numbers.Cost(begins[c], c + 1 < begins.size() ? begins[c + 1] : numbers.size());
    }
    const at::Tensor bounds = at::tensor(least, at::kFloat);
    index.copy_(at::searchsorted(bounds, dense, /*out_int32=*/true, /*right=*/true).add_(1));
    if (keep.defined()) index.mul_(kept_flags);
  }
  made = MakeShared(weight, index);
}

struct GivenShared {
  std::string name;
  std::int64_t values;
  ClusterMethod method = ClusterMethod::kAuto;
};
const auto kSharedFields = Fields<GivenShared>("shared", Field("name", &GivenShared::name),
                                               Field("values", &GivenShared::values).Within(1, 32767),
                                               Field("method", &GivenShared::method).Optional());

// quantizeShare(network, [{name, values, method?}]): gives the kept weights of each a few values to share,
// the means of their clusters by k-means: [{kept, values, squares}]. Nothing changes where one fails.
Napi::Value Share(const Napi::CallbackInfo& info) {
  const auto network = UseNetwork(info[0]);
  auto layers = std::make_shared<std::vector<Shared>>();
  for (const auto& [name, values, method] : ReadList(kSharedFields, info[1], "layers"))
    layers->push_back({name, network->Find(name).tensor, values, method});
  return StartWeightsJob(
      info.Env(), network,
      [layers, optimizers = Environment::Of(info.Env()).optimizers] {
        for (auto& layer : *layers) layer.Cluster();
        for (auto& layer : *layers) {
          Parametrization::Put(layer.weight, std::move(layer.made));
          SettleMoments(optimizers, layer.weight);
        }
      },
      [layers](Napi::Env env) {
        auto list = Napi::Array::New(env, layers->size());
        for (std::uint32_t i = 0; i < layers->size(); ++i) {
          const auto& layer = (*layers)[i];
          auto entry = Napi::Object::New(env);
          entry.Set("kept", static_cast<double>(layer.kept));
          entry.Set("values", static_cast<double>(layer.found));
          entry.Set("squares", layer.squares);
          list.Set(i, entry);
        }
        return Napi::Value(list);
      });
}

}  // namespace

void RegisterSharing(Napi::Object exports) {
  Export<Share>(exports, "quantizeShare");
}

}  // namespace torch_prune
