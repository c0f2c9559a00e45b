#include <ATen/ATen.h>

#include "../network/jobs.h"
#include "../tensor/tensor.h"
#include "weight_scores.h"

namespace torch_prune {
namespace {

// filterNorms(network, names, norm): for each weight the norms of its filters, [filters]: 1 for the sum of
// magnitudes, 2 for the root of the sum of squares.
Napi::Value FilterNorms(const Napi::CallbackInfo& info) {
  const auto network = ReadNetwork(info[0]);
  const auto names = ToStrings(info[1], "names");
  const auto norm = ToInteger(info[2], "norm");
  if (norm != 1 && norm != 2) throw Error("ERR_ARGUMENT", "norm must be 1 or 2, got " + std::to_string(norm));
  return StartScoresJob(info.Env(), network, names,
                        [norm](const at::Tensor& weight, const FilterOrder& order) {
                          const at::Tensor values = weight.detach();
                          const at::Tensor sizes = norm == 1 ? values.abs() : values.square();
                          const at::Tensor sums = order.FiltersFirst(sizes).flatten(1).sum(1);
                          return norm == 1 ? sums : sums.sqrt();
                        });
}

}  // namespace

void RegisterFilterNorms(Napi::Object exports) {
  Export<FilterNorms>(exports, "filterNorms");
}

}  // namespace torch_prune
