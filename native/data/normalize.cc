#include "normalize.h"

#include <ATen/ATen.h>

#include <cstring>

#include "../base/errors.h"

namespace torch_prune {

Normalization::Normalization(const std::vector<double>& mean, const std::vector<double>& deviation,
                             std::int64_t channels) {
  if (static_cast<std::int64_t>(mean.size()) != channels ||
      static_cast<std::int64_t>(deviation.size()) != channels) {
    throw Error("ERR_SHAPE", "mean and std need one number a channel, " + std::to_string(channels));
  }
  const auto bytes = at::arange(256, at::kByte).to(at::kFloat).div_(255);
  table_.resize(static_cast<std::size_t>(channels) * 256);
  for (std::int64_t c = 0; c < channels; ++c) {
    if (!(deviation[c] > 0))
      throw Error("ERR_ARGUMENT", "std must be over 0, got " + std::to_string(deviation[c]));
    const auto values = bytes.sub(mean[c]).div_(deviation[c]);
    std::memcpy(&table_[c * 256], values.const_data_ptr<float>(), 256 * sizeof(float));
  }
}

}  // namespace torch_prune
