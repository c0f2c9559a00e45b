#include <ATen/ATen.h>

#include "../network/jobs.h"
#include "../tensor/tensor.h"
#include "filters.h"
#include "weights_job.h"

namespace torch_prune {
namespace {

// filterNorms(network, names, norm): for each weight the norms of its filters, [filters]: 1 for the sum of
// magnitudes, 2 for the root of the sum of squares.
Napi::Value FilterNorms(const Napi::CallbackInfo& info) {
  const auto network = ReadNetwork(info[0]);
  auto weights = std::make_shared<std::vector<std::pair<at::Tensor, FilterOrder>>>();
  for (const auto& name : ToStrings(info[1], "names")) {
    const auto& named = network->Find(name);
    weights->emplace_back(named.tensor, *named.layer);
  }
  const auto norm = ToInteger(info[2], "norm");
  if (norm != 1 && norm != 2) throw Error("ERR_ARGUMENT", "norm must be 1 or 2, got " + std::to_string(norm));
  auto norms = std::make_shared<std::vector<at::Tensor>>();
  return StartWeightsJob(
      info.Env(), network,
      [weights, norms, norm] {
        for (const auto& [weight, order] : *weights) {
          const at::Tensor values = weight.detach();
          const at::Tensor sizes = norm == 1 ? values.abs() : values.square();
          const at::Tensor sums = order.FiltersFirst(sizes).flatten(1).sum(1);
          norms->push_back(norm == 1 ? sums : sums.sqrt());
        }
      },
      [norms](Napi::Env env) {
        auto list = Napi::Array::New(env, norms->size());
        for (std::uint32_t i = 0; i < norms->size(); ++i) list.Set(i, Wrap(env, (*norms)[i]));
        return Napi::Value(list);
      },
      Access::kRead);
}

}  // namespace

void RegisterFilterNorms(Napi::Object exports) {
  Export<FilterNorms>(exports, "filterNorms");
}

}  // namespace torch_prune
