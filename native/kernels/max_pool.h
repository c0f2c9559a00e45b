#pragma once
#include <array>
#include <cstdint>

namespace torch_prune {

// Windows over an image.
struct PoolWindows {
  std::int64_t height, width, out_height, out_width;
  std::array<std::int64_t, 2> kernel, stride, padding;
};

// The largest of each window of the planes from `first` up to `last`, NaN where there is one, as
// at::max_pool2d has it. `row` is memory for the width of an image.
void LargestOfWindows(const float* in, const PoolWindows& windows, std::int64_t first, std::int64_t last,
                      float* row, float* out);

}  // namespace torch_prune
