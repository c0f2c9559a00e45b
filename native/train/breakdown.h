#pragma once
#include <ATen/core/Tensor.h>
#include <napi.h>

#include <cstdint>
#include <optional>
#include <string>

#include "../tensor/non_finite.h"
#include "settings.h"

namespace torch_prune {

// Why a training stopped where its numbers ran out: the first thing that is NaN or infinite on a batch's way
// from its samples to its loss.
struct Breakdown {
  const char* what;       // "sample", "target", "teacher", "tensor", "layer", "gradient" or "loss"
  std::string name = {};  // of the tensor, layer or parameter
  std::int64_t sample = -1;
  NonFinite found = {};
  std::int64_t count = 0;  // values of the tensor

  // The first parameter or buffer that holds such values.
  static std::optional<Breakdown> InTensors(const Network& network);
  // The first parameter whose gradient holds such values.
  static Breakdown InGradients(const OptimizerState& optimizer);
  // The first cause for a batch whose loss is not a number. `images` are its images as the network sees them.
  static Breakdown Of(const TrainerSettings& settings, const Dataset::Batch& batch, const at::Tensor& images);

  // {what, name, sample, count, nan, infinite, first}
  Napi::Object ToObject(Napi::Env env) const;
};

}  // namespace torch_prune
