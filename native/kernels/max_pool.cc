#include "max_pool.h"

#include <algorithm>

#include "dispatch.h"

namespace torch_prune {
namespace {

TORCH_PRUNE_INLINE float Larger(float a, float b) {
  return b > a || b != b ? b : a;
}

// First down the rows of a window, all columns at once, then along the row that is left.
TORCH_PRUNE_INLINE void Planes(const float* in, const PoolWindows& w, std::int64_t first, std::int64_t last,
                               float* row, float* out) {
  for (std::int64_t plane = first; plane < last; plane++) {
    const float* image = in + plane * w.height * w.width;
    float* to = out + plane * w.out_height * w.out_width;
    for (std::int64_t y = 0; y < w.out_height; y++, to += w.out_width) {
      const std::int64_t top = y * w.stride[0] - w.padding[0];
      const std::int64_t from = std::max<std::int64_t>(top, 0);
      const std::int64_t until = std::min(top + w.kernel[0], w.height);
      std::copy_n(image + from * w.width, w.width, row);
      for (std::int64_t k = from + 1; k < until; k++) {
        const float* next = image + k * w.width;
        for (std::int64_t x = 0; x < w.width; x++) row[x] = Larger(row[x], next[x]);
      }
      for (std::int64_t x = 0; x < w.out_width; x++) {
        const std::int64_t left = x * w.stride[1] - w.padding[1];
        const std::int64_t right = std::min(left + w.kernel[1], w.width);
        std::int64_t k = std::max<std::int64_t>(left, 0);
        float largest = row[k];
        for (k++; k < right; k++) largest = Larger(largest, row[k]);
        to[x] = largest;
      }
    }
  }
}

#if defined(__x86_64__)
TORCH_PRUNE_AVX2 void Avx2(const float* in, const PoolWindows& windows, std::int64_t first, std::int64_t last,
                           float* row, float* out) {
  Planes(in, windows, first, last, row, out);
}
TORCH_PRUNE_AVX512 void Avx512(const float* in, const PoolWindows& windows, std::int64_t first,
                               std::int64_t last, float* row, float* out) {
  Planes(in, windows, first, last, row, out);
}
#endif

}  // namespace

void LargestOfWindows(const float* in, const PoolWindows& windows, std::int64_t first, std::int64_t last,
                      float* row, float* out) {
#if defined(__x86_64__)
  if (BestIsa() == Isa::kAvx512) return Avx512(in, windows, first, last, row, out);
  if (BestIsa() == Isa::kAvx2) return Avx2(in, windows, first, last, row, out);
#endif
  Planes(in, windows, first, last, row, out);
}

}  // namespace torch_prune
