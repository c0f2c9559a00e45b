#include "shared_rows.h"

#include <algorithm>
#include <cmath>
#include <iterator>
#include <set>

#include "intrinsics.h"

namespace torch_prune {
namespace {

constexpr std::int64_t kLanes = SharedRows::kLanes;
constexpr std::size_t kTable = SharedRows::kMostValues + 1;

// The values that are not zero, in order. More than kMostValues if there are more, or one is NaN, which has
// no place in an order.
std::vector<float> ValuesOf(const float* weight, std::int64_t count) {
  std::set<float> seen;
  for (std::int64_t i = 0; i < count && seen.size() <= SharedRows::kMostValues; i++) {
    if (std::isnan(weight[i])) return std::vector<float>(SharedRows::kMostValues + 1);
    if (weight[i] != 0.0f) seen.insert(weight[i]);
  }
  return {seen.begin(), seen.end()};
}

// Sums the entries from `begin` up to `end`, lane by lane.
using Sum = void (*)(const float* table, const std::uint8_t* index, const std::uint16_t* column,
                     std::int64_t begin, std::int64_t end, const float* x, float* sums);

void SumPlain(const float* table, const std::uint8_t* index, const std::uint16_t* column, std::int64_t begin,
              std::int64_t end, const float* x, float* sums) {
  std::fill_n(sums, kLanes, 0.0f);
  for (std::int64_t entry = begin; entry < end; entry++) {
    for (std::int64_t lane = 0; lane < kLanes; lane++) {
      const std::int64_t i = entry * kLanes + lane;
      sums[lane] += table[index[i]] * x[column[i]];
    }
  }
}

#if defined(__x86_64__)
// A table of 8 values is a register, a larger one is in the first cache.
template <bool kSmall>
TORCH_PRUNE_AVX2 inline __m256 Add8(const float* table, __m256 values, const std::uint8_t* index,
                                    const std::uint16_t* column, const float* x, __m256 sum) {
  const __m256i places = _mm256_cvtepu16_epi32(_mm_loadu_si128(reinterpret_cast<const __m128i*>(column)));
  const __m256i which = _mm256_cvtepu8_epi32(_mm_loadl_epi64(reinterpret_cast<const __m128i*>(index)));
  const __m256 weight =
      kSmall ? _mm256_permutevar8x32_ps(values, which) : _mm256_i32gather_ps(table, which, 4);
  return _mm256_fmadd_ps(weight, _mm256_i32gather_ps(x, places, 4), sum);
}

template <bool kSmall>
TORCH_PRUNE_AVX2 void SumAvx2(const float* table, const std::uint8_t* index, const std::uint16_t* column,
                              std::int64_t begin, std::int64_t end, const float* x, float* sums) {
  const __m256 values = _mm256_loadu_ps(table);
  __m256 low = _mm256_setzero_ps(), high = low, low2 = low, high2 = low;
  std::int64_t i = begin * kLanes;
  for (; i + 2 * kLanes <= end * kLanes; i += 2 * kLanes) {
    low = Add8<kSmall>(table, values, index + i, column + i, x, low);
    high = Add8<kSmall>(table, values, index + i + 8, column + i + 8, x, high);
    low2 = Add8<kSmall>(table, values, index + i + 16, column + i + 16, x, low2);
    high2 = Add8<kSmall>(table, values, index + i + 24, column + i + 24, x, high2);
  }
  if (i < end * kLanes) {
    low = Add8<kSmall>(table, values, index + i, column + i, x, low);
    high = Add8<kSmall>(table, values, index + i + 8, column + i + 8, x, high);
  }
  _mm256_storeu_ps(sums, _mm256_add_ps(low, low2));
  _mm256_storeu_ps(sums + 8, _mm256_add_ps(high, high2));
}

// Tables of up to 16 and 32 values are one register or two, larger ones (0) are in the first cache.
template <int kRegisters>
TORCH_PRUNE_AVX512 inline __m512 Add16(const float* table, __m512 values, __m512 more,
                                       const std::uint8_t* index, const std::uint16_t* column, const float* x,
                                       __m512 sum) {
  const __m512i places = _mm512_cvtepu16_epi32(_mm256_loadu_si256(reinterpret_cast<const __m256i*>(column)));
  const __m512i which = _mm512_cvtepu8_epi32(_mm_loadu_si128(reinterpret_cast<const __m128i*>(index)));
  const __m512 weight = kRegisters == 1   ? _mm512_permutexvar_ps(which, values)
                        : kRegisters == 2 ? _mm512_permutex2var_ps(values, which, more)
                                          : _mm512_i32gather_ps(which, table, 4);
  return _mm512_fmadd_ps(weight, _mm512_i32gather_ps(places, x, 4), sum);
}

template <int kRegisters>
TORCH_PRUNE_AVX512 void SumAvx512(const float* table, const std::uint8_t* index, const std::uint16_t* column,
                                  std::int64_t begin, std::int64_t end, const float* x, float* sums) {
  const __m512 values = _mm512_loadu_ps(table), more = _mm512_loadu_ps(table + 16);
  const auto add = [&](std::int64_t i, __m512 sum) TORCH_PRUNE_AVX512 {
    return Add16<kRegisters>(table, values, more, index + i, column + i, x, sum);
  };
  // Four sums, since an addition waits for the one before it.
  __m512 a = _mm512_setzero_ps(), b = a, c = a, d = a;
  std::int64_t i = begin * kLanes;
  for (; i + 4 * kLanes <= end * kLanes; i += 4 * kLanes) {
    a = add(i, a), b = add(i + 16, b), c = add(i + 32, c), d = add(i + 48, d);
  }
  for (; i < end * kLanes; i += kLanes) a = add(i, a);
  _mm512_storeu_ps(sums, _mm512_add_ps(_mm512_add_ps(a, b), _mm512_add_ps(c, d)));
}
#endif

Sum SumFor([[maybe_unused]] std::size_t values, Isa isa) {
#if defined(__x86_64__)
  if (isa == Isa::kAvx512) return values <= 16 ? SumAvx512<1> : values <= 32 ? SumAvx512<2> : SumAvx512<0>;
  if (isa == Isa::kAvx2) return values <= 8 ? SumAvx2<true> : SumAvx2<false>;
#endif
  return SumPlain;
}

}  // namespace

std::unique_ptr<const SharedRows> SharedRows::Of(const float* weight, std::int64_t rows,
                                                 std::int64_t columns) {
  const auto shared = ValuesOf(weight, rows * columns);
  if (shared.size() > kMostValues) return nullptr;
  return std::unique_ptr<const SharedRows>(new SharedRows(weight, rows, columns, shared));
}

SharedRows::SharedRows(const float* weight, std::int64_t count, std::int64_t columns,
                       const std::vector<float>& shared)
    : RowSlices(weight, count, columns),
      table(kTable, 0.0f),
      values(shared.size() + 1),
      index(column.size(), 0) {
  std::copy(shared.begin(), shared.end(), table.begin() + 1);
  ForKept(columns, [&](std::int64_t place, std::int64_t at) {
    const auto found = std::lower_bound(shared.begin(), shared.end(), weight[at]);
    index[place] = static_cast<std::uint8_t>(1 + std::distance(shared.begin(), found));
  });
}

std::int64_t SharedRows::bytes() const {
  return RowSlices::bytes() +
         static_cast<std::int64_t>(index.size() * sizeof(index[0]) + table.size() * sizeof(table[0]));
}

void SharedRows::Spread(float* weight, std::int64_t columns) const {
  ForKept(columns, [&](std::int64_t place, std::int64_t at) { weight[at] = table[index[place]]; });
}

void Multiply(const SharedRows& weight, std::int64_t first, std::int64_t last, const float* x,
              const Epilogue& epilogue, float* y, Isa isa) {
  const Sum sum = SumFor(weight.values, isa);
  weight.Multiply(
      first, last, x, epilogue, y,
      [&](std::int64_t begin, std::int64_t end, float* sums) {
        sum(weight.table.data(), weight.index.data(), weight.column.data(), begin, end, x, sums);
      },
      [&](std::int64_t place) { return weight.table[weight.index[place]]; });
}

}  // namespace torch_prune
