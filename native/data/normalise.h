#pragma once
#include <cstdint>
#include <vector>

namespace torch_prune {

// What each byte of each channel is as a normalised float: exactly what div(255).sub(mean).div(std) gives.
class Normalisation {
 public:
  Normalisation() = default;
  // mean, deviation: one number a channel, in 0..1.
  Normalisation(const std::vector<double>& mean, const std::vector<double>& deviation, std::int64_t channels);

  // 256 values.
  const float* channel(std::int64_t c) const { return &table_[static_cast<std::size_t>(c) * 256]; }

 private:
  std::vector<float> table_;  // [C, 256]
};

}  // namespace torch_prune
