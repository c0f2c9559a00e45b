#include "sliced_rows.h"

#include <algorithm>

#include "intrinsics.h"

namespace torch_prune {
namespace {

constexpr std::int64_t kLanes = SlicedRows::kLanes;

// Sums the entries from `begin` up to `end`, lane by lane.
using Sum = void (*)(const float* value, const std::uint16_t* column, std::int64_t begin, std::int64_t end,
                     const float* x, float* sums);

void SumPlain(const float* value, const std::uint16_t* column, std::int64_t begin, std::int64_t end,
              const float* x, float* sums) {
  std::fill_n(sums, kLanes, 0.0f);
  for (std::int64_t entry = begin; entry < end; entry++) {
    for (std::int64_t lane = 0; lane < kLanes; lane++) {
      const std::int64_t i = entry * kLanes + lane;
      sums[lane] += value[i] * x[column[i]];
    }
  }
}

#if defined(__x86_64__)
TORCH_PRUNE_AVX2 inline __m256 Add8(const float* value, const std::uint16_t* column, const float* x,
                                    __m256 sum) {
  const __m256i index = _mm256_cvtepu16_epi32(_mm_loadu_si128(reinterpret_cast<const __m128i*>(column)));
  return _mm256_fmadd_ps(_mm256_loadu_ps(value), _mm256_i32gather_ps(x, index, 4), sum);
}

TORCH_PRUNE_AVX2 void SumAvx2(const float* value, const std::uint16_t* column, std::int64_t begin,
                              std::int64_t end, const float* x, float* sums) {
  __m256 low = _mm256_setzero_ps(), high = low, low2 = low, high2 = low;
  std::int64_t i = begin * kLanes;
  for (; i + 2 * kLanes <= end * kLanes; i += 2 * kLanes) {
    low = Add8(value + i, column + i, x, low);
    high = Add8(value + i + 8, column + i + 8, x, high);
    low2 = Add8(value + i + 16, column + i + 16, x, low2);
    high2 = Add8(value + i + 24, column + i + 24, x, high2);
  }
  if (i < end * kLanes) {
    low = Add8(value + i, column + i, x, low);
    high = Add8(value + i + 8, column + i + 8, x, high);
  }
  _mm256_storeu_ps(sums, _mm256_add_ps(low, low2));
  _mm256_storeu_ps(sums + 8, _mm256_add_ps(high, high2));
}

TORCH_PRUNE_AVX512 inline __m512 Add16(const float* value, const std::uint16_t* column, const float* x,
                                       __m512 sum) {
  const __m512i index = _mm512_cvtepu16_epi32(_mm256_loadu_si256(reinterpret_cast<const __m256i*>(column)));
  return _mm512_fmadd_ps(_mm512_loadu_ps(value), _mm512_i32gather_ps(index, x, 4), sum);
}

TORCH_PRUNE_AVX512 void SumAvx512(const float* value, const std::uint16_t* column, std::int64_t begin,
                                  std::int64_t end, const float* x, float* sums) {
  // Four sums, since an addition waits for the one before it.
  __m512 a = _mm512_setzero_ps(), b = a, c = a, d = a;
  std::int64_t i = begin * kLanes;
  for (; i + 4 * kLanes <= end * kLanes; i += 4 * kLanes) {
    a = Add16(value + i, column + i, x, a);
    b = Add16(value + i + 16, column + i + 16, x, b);
    c = Add16(value + i + 32, column + i + 32, x, c);
    d = Add16(value + i + 48, column + i + 48, x, d);
  }
  for (; i < end * kLanes; i += kLanes) a = Add16(value + i, column + i, x, a);
  _mm512_storeu_ps(sums, _mm512_add_ps(_mm512_add_ps(a, b), _mm512_add_ps(c, d)));
}
#endif

Sum SumFor(Isa isa) {
#if defined(__x86_64__)
  if (isa == Isa::kAvx512) return SumAvx512;
  if (isa == Isa::kAvx2) return SumAvx2;
#endif
  return SumPlain;
}

}  // namespace

SlicedRows::SlicedRows(const float* weight, std::int64_t count, std::int64_t columns)
    : RowSlices(weight, count, columns), value(column.size(), 0.0f) {
  ForKept(columns, [&](std::int64_t place, std::int64_t at) { value[place] = weight[at]; });
}

std::int64_t SlicedRows::bytes() const {
  return RowSlices::bytes() + static_cast<std::int64_t>(value.size() * sizeof(value[0]));
}

void SlicedRows::Spread(float* weight, std::int64_t columns) const {
  ForKept(columns, [&](std::int64_t place, std::int64_t at) { weight[at] = value[place]; });
}

void Multiply(const SlicedRows& weight, std::int64_t first, std::int64_t last, const float* x,
              const Epilogue& epilogue, float* y, Isa isa) {
  const Sum sum = SumFor(isa);
  weight.Multiply(
      first, last, x, epilogue, y,
      [&](std::int64_t begin, std::int64_t end, float* sums) {
        sum(weight.value.data(), weight.column.data(), begin, end, x, sums);
      },
      [&](std::int64_t place) { return weight.value[place]; });
}

}  // namespace torch_prune
