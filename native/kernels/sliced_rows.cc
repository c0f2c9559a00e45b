#include "sliced_rows.h"

#include <algorithm>
#include <numeric>

#if defined(__x86_64__)
#include <immintrin.h>
#endif

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

SlicedRows::SlicedRows(const float* weight, std::int64_t count, std::int64_t columns) {
  std::vector<std::int64_t> kept(count);
  for (std::int64_t row = 0; row < count; row++) {
    const float* values = weight + row * columns;
    kept[row] = columns - std::count(values, values + columns, 0.0f);
  }
  std::vector<std::int32_t> order(count);
  std::iota(order.begin(), order.end(), 0);
  std::stable_sort(order.begin(), order.end(), [&](auto a, auto b) { return kept[a] > kept[b]; });

  begins.push_back(0);
  for (std::int64_t first = 0; first < count; first += kLanes) {
    begins.push_back(begins.back() + kept[order[first]]);
  }
  rows.assign(slices() * kLanes, -1);
  column.assign(begins.back() * kLanes, 0);
  value.assign(begins.back() * kLanes, 0.0f);
  for (std::int64_t i = 0; i < count; i++) {
    const std::int64_t slice = i / kLanes, lane = i % kLanes;
    rows[i] = order[i];
    const float* values = weight + order[i] * columns;
    std::int64_t place = begins[slice] * kLanes + lane;
    for (std::int64_t k = 0; k < columns; k++) {
      if (values[k] == 0.0f) continue;
      column[place] = static_cast<std::uint16_t>(k);
      value[place] = values[k];
      place += kLanes;
    }
  }
}

std::int64_t SlicedRows::bytes() const {
  return static_cast<std::int64_t>(begins.size() * sizeof(begins[0]) + rows.size() * sizeof(rows[0]) +
                                   column.size() * sizeof(column[0]) + value.size() * sizeof(value[0]));
}

void SlicedRows::Spread(float* weight, std::int64_t columns) const {
  for (std::int64_t slice = 0; slice < slices(); slice++) {
    for (std::int64_t i = begins[slice] * kLanes; i < begins[slice + 1] * kLanes; i++) {
      // What fills rows up is zero, and stands in column 0.
      if (value[i] != 0.0f) weight[rows[slice * kLanes + i % kLanes] * columns + column[i]] = value[i];
    }
  }
}

void Multiply(const SlicedRows& weight, std::int64_t first, std::int64_t last, const float* x,
              const Epilogue& epilogue, float* y, Isa isa) {
  const Sum sum = SumFor(isa);
  float sums[kLanes];
  for (std::int64_t slice = first; slice < last; slice++) {
    sum(weight.value.data(), weight.column.data(), weight.begins[slice], weight.begins[slice + 1], x, sums);
    for (std::int64_t lane = 0; lane < kLanes; lane++) {
      const std::int32_t row = weight.rows[slice * kLanes + lane];
      if (row < 0) break;
      y[row] = epilogue.Of(sums[lane] + (epilogue.bias != nullptr ? epilogue.bias[row] : 0.0f));
    }
  }
}

}  // namespace torch_prune
