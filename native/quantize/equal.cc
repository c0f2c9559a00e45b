#include <ATen/ATen.h>

#include <algorithm>
#include <unordered_set>

#include "../base/fields.h"
#include "../coded/survey.h"
#include "../parameter/parametrization.h"
#include "../parameter/slots.h"
#include "../prune/weights_job.h"
#include "jobs.h"

namespace torch_prune {
namespace {

using Bits = std::uint32_t;

// Of eight kept weights, at most so many have a value that no weight before them had. Floats by themselves
// hardly ever repeat, and few weights under a large codebook do.
constexpr std::int64_t kMostNewOfEight = 7;

// A weight whose kept elements are to share a value wherever they are equal, bit for bit.
struct Equal {
  std::string name;
  at::Tensor weight;
  std::int64_t most;  // values, at most
  std::unique_ptr<Parametrization> made = nullptr;

  void Find();
};

// The different bits of what is kept; none where there are more than `most`. Where values differ from weight
// to weight, it soon knows.
std::unordered_set<Bits> Different(const Bits* bits, const bool* kept, std::int64_t count, std::int64_t most,
                                   std::int64_t& standing) {
  std::unordered_set<Bits> found;
  standing = 0;
  for (std::int64_t i = 0; i < count; ++i) {
    if (!kept[i]) continue;
    ++standing;
    found.insert(bits[i]);
    if (static_cast<std::int64_t>(found.size()) > most) return {};
  }
  return found;
}

// Numbers the different values in ascending order. A weight that shares values already goes on doing so.
void Equal::Find() {
  const at::Tensor keep = KeptMask(weight);
  if (!keep.defined() || weight.scalar_type() != at::kFloat) return;
  if (Parametrization::Of(weight)->MayReturn()) return;
  const at::Tensor dense = weight.detach().cpu().contiguous();
  const at::Tensor flags = keep.cpu().contiguous();
  const auto* bits = static_cast<const Bits*>(dense.const_data_ptr());
  const auto* kept = flags.const_data_ptr<bool>();
  std::int64_t standing = 0;
  const auto different = Different(bits, kept, dense.numel(), most, standing);
  if (different.empty()) return;
  const auto values = static_cast<std::int64_t>(different.size());
  if (!SharedIndex(weight).defined() && 8 * values > kMostNewOfEight * standing) return;
  std::vector<Bits> orders;
  for (const Bits each : different) orders.push_back(coded::OrderOf(each));
  std::sort(orders.begin(), orders.end());
  at::Tensor index = at::zeros(dense.sizes(), at::kShort);
  auto* numbers = index.mutable_data_ptr<std::int16_t>();
  for (std::int64_t i = 0; i < dense.numel(); ++i) {
    if (!kept[i]) continue;
    const auto place = std::lower_bound(orders.begin(), orders.end(), coded::OrderOf(bits[i]));
    numbers[i] = static_cast<std::int16_t>(1 + (place - orders.begin()));
  }
  made = MakeShared(weight, index);
}

struct GivenEqual {
  std::string name;
  std::int64_t values;
};
const auto kEqualFields = Fields<GivenEqual>("equal", Field("name", &GivenEqual::name),
                                             Field("values", &GivenEqual::values).Within(1, 32767));

// quantizeEqual(network, [{name, values}]): lets equal weights share their value, where a mask keeps them and
// they have at most so many values: [whether they do]. No weight changes.
Napi::Value ShareEqual(const Napi::CallbackInfo& info) {
  const auto network = UseNetwork(info[0]);
  auto layers = std::make_shared<std::vector<Equal>>();
  for (const auto& [name, values] : ReadList(kEqualFields, info[1], "layers"))
    layers->push_back({name, network->Find(name).tensor, values});
  auto shared = std::make_shared<std::vector<bool>>();
  return StartWeightsJob(
      info.Env(), network,
      [layers, shared, optimizers = Environment::Of(info.Env()).optimizers] {
        for (auto& layer : *layers) layer.Find();
        for (auto& layer : *layers) {
          shared->push_back(layer.made != nullptr);
          if (!shared->back()) continue;
          Parametrization::Put(layer.weight, std::move(layer.made));
          SettleMoments(optimizers, layer.weight);
        }
      },
      [shared](Napi::Env env) {
        auto list = Napi::Array::New(env, shared->size());
        for (std::uint32_t i = 0; i < shared->size(); ++i) list.Set(i, Napi::Boolean::New(env, (*shared)[i]));
        return Napi::Value(list);
      });
}

}  // namespace

void RegisterEqual(Napi::Object exports) {
  Export<ShareEqual>(exports, "quantizeEqual");
}

}  // namespace torch_prune
