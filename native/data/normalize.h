#pragma once
#include <cstdint>
#include <vector>

namespace torch_prune {

// The normalized float of each byte in each channel: exactly the result of div(255).sub(mean).div(std).
class Normalization {
 public:
  Normalization() = default;
  // mean, deviation: one number per channel, on the scale 0..1.
  Normalization(const std::vector<double>& mean, const std::vector<double>& deviation, std::int64_t channels);

  // 256 values.
  const float* channel(std::int64_t c) const { return &table_[static_cast<std::size_t>(c) * 256]; }

 private:
  std::vector<float> table_;  // [C, 256]
};

// Leaves bytes as they are, where a Normalization makes floats of them.
struct AsBytes {
  struct Channel {
    std::uint8_t operator[](std::uint8_t value) const { return value; }
  };
  Channel channel(std::int64_t) const { return {}; }
};

}  // namespace torch_prune
