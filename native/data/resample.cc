#include "resample.h"

#include <algorithm>
#include <cmath>
#include <cstring>

#include "../kernels/dispatch.h"

#ifndef TORCH_PRUNE_INLINE
#define TORCH_PRUNE_INLINE inline
#endif

namespace torch_prune {
namespace {

constexpr int kBits = 32 - 8 - 2;
constexpr std::int32_t kHalf = 1 << (kBits - 1);

typedef std::int32_t Pixel32 __attribute__((vector_size(16)));
typedef std::uint8_t Pixel8 __attribute__((vector_size(4)));

TORCH_PRUNE_INLINE void RowLoop(const Taps& columns, const std::uint8_t* in, std::uint8_t* out) {
  const std::size_t outputs = columns.first.size();
  for (std::size_t i = 0; i < outputs; ++i, out += 4) {
    const std::uint8_t* pixel = in + std::int64_t{columns.first[i]} * 4;
    const std::int32_t* weights = &columns.weights[i * columns.taps];
    Pixel32 sum = {kHalf, kHalf, kHalf, kHalf};
    for (std::int32_t t = 0; t < columns.count[i]; ++t) {
      Pixel8 bytes;
      std::memcpy(&bytes, pixel + 4 * t, 4);
      sum += __builtin_convertvector(bytes, Pixel32) * weights[t];
    }
    // Weights are not negative and sum to 1 up to rounding, so only the upper end needs a limit.
    sum >>= kBits;
    sum = sum > 255 ? Pixel32{255, 255, 255, 255} : sum;
    const Pixel8 bytes = __builtin_convertvector(sum, Pixel8);
    std::memcpy(out, &bytes, 4);
  }
}

TORCH_PRUNE_INLINE void ColumnLoop(const std::uint8_t* __restrict in, const std::int32_t* weights,
                                   std::int32_t count, std::int64_t bytes, std::int32_t* __restrict sums,
                                   std::uint8_t* __restrict out) {
  std::fill(sums, sums + bytes, kHalf);
  for (std::int32_t t = 0; t < count; ++t, in += bytes) {
    const std::int32_t weight = weights[t];
    for (std::int64_t i = 0; i < bytes; ++i) sums[i] += in[i] * weight;
  }
  for (std::int64_t i = 0; i < bytes; ++i)
    out[i] = static_cast<std::uint8_t>(std::min<std::int32_t>(sums[i] >> kBits, 255));
}

#ifdef TORCH_PRUNE_AVX2
TORCH_PRUNE_AVX2 void RowAvx2(const Taps& columns, const std::uint8_t* in, std::uint8_t* out) {
  RowLoop(columns, in, out);
}
TORCH_PRUNE_AVX2 void ColumnAvx2(const std::uint8_t* in, const std::int32_t* weights, std::int32_t count,
                                 std::int64_t bytes, std::int32_t* sums, std::uint8_t* out) {
  ColumnLoop(in, weights, count, bytes, sums, out);
}
#endif

}  // namespace

void Taps::Make(std::int64_t size, double begin, double end, std::int64_t outputs, std::int64_t from,
                std::int64_t number) {
  const double scale = (end - begin) / static_cast<double>(outputs);
  // Half the triangle's width is one output or one input, whichever is larger.
  const double support = std::max(scale, 1.0);
  taps = static_cast<std::int64_t>(std::ceil(support)) * 2 + 1;
  first.resize(static_cast<std::size_t>(number));
  count.resize(first.size());
  weights.assign(first.size() * static_cast<std::size_t>(taps), 0);
  std::vector<double> exact(static_cast<std::size_t>(taps));
  for (std::int64_t i = 0; i < number; ++i) {
    const double center = begin + (static_cast<double>(from + i) + 0.5) * scale;
    const auto low = std::max<std::int64_t>(static_cast<std::int64_t>(center - support + 0.5), 0);
    const auto high = std::min<std::int64_t>(static_cast<std::int64_t>(center + support + 0.5), size);
    double total = 0;
    for (std::int64_t t = 0; t < high - low; ++t) {
      const double distance = std::abs((static_cast<double>(t + low) - center + 0.5) * (1.0 / support));
      exact[t] = distance < 1 ? 1 - distance : 0;
      total += exact[t];
    }
    for (std::int64_t t = 0; t < high - low; ++t)
      weights[i * taps + t] =
          static_cast<std::int32_t>(0.5 + (total != 0 ? exact[t] / total : 0) * (1 << kBits));
    first[i] = static_cast<std::int32_t>(low);
    count[i] = static_cast<std::int32_t>(high - low);
  }
}

void ResampleRow(const Taps& columns, const std::uint8_t* in, std::int64_t offset, std::uint8_t* out) {
  const std::uint8_t* origin = in - offset * 4;
#ifdef TORCH_PRUNE_AVX2
  if (BestIsa() != Isa::kBaseline) return RowAvx2(columns, origin, out);
#endif
  RowLoop(columns, origin, out);
}

void ResampleColumns(const Taps& rows, std::int64_t row, const std::uint8_t* in, std::int64_t bytes,
                     std::int32_t* sums, std::uint8_t* out) {
  in += (rows.first[row] - rows.begin()) * bytes;
  const std::int32_t* weights = &rows.weights[row * rows.taps];
#ifdef TORCH_PRUNE_AVX2
  if (BestIsa() != Isa::kBaseline) return ColumnAvx2(in, weights, rows.count[row], bytes, sums, out);
#endif
  ColumnLoop(in, weights, rows.count[row], bytes, sums, out);
}

}  // namespace torch_prune
