#include "codebook.h"

#include "dispatch.h"

namespace torch_prune {
namespace {

template <typename Index>
void Sum(const float* values, const Index* index, std::int64_t count, double* sums) {
  for (std::int64_t i = 0; i < count; ++i) {
    // Most weights are pruned: a jump over them costs less than all of them waiting for one sum.
    if (index[i] != 0) sums[index[i]] += values[i];
  }
}

template <typename Index>
TORCH_PRUNE_INLINE void Loop(float* values, const Index* index, std::int64_t count, const float* table) {
  for (std::int64_t i = 0; i < count; ++i) values[i] = table[index[i]];
}

#if defined(__x86_64__)
template <typename Index>
TORCH_PRUNE_AVX512 void Avx512(float* values, const Index* index, std::int64_t count, const float* table) {
  Loop(values, index, count, table);
}
template <typename Index>
TORCH_PRUNE_AVX2 void Avx2(float* values, const Index* index, std::int64_t count, const float* table) {
  Loop(values, index, count, table);
}
#endif

template <typename Index>
void Spread(float* values, const Index* index, std::int64_t count, const float* table) {
#if defined(__x86_64__)
  switch (BestIsa()) {
    case Isa::kAvx512:
      return Avx512(values, index, count, table);
    case Isa::kAvx2:
      return Avx2(values, index, count, table);
    case Isa::kBaseline:
      break;
  }
#endif
  Loop(values, index, count, table);
}

}  // namespace

void SumByIndex(const float* values, const std::uint8_t* index, std::int64_t count, double* sums) {
  Sum(values, index, count, sums);
}

void SumByIndex(const float* values, const std::int16_t* index, std::int64_t count, double* sums) {
  Sum(values, index, count, sums);
}

void SpreadByIndex(float* values, const std::uint8_t* index, std::int64_t count, const float* table) {
  Spread(values, index, count, table);
}

void SpreadByIndex(float* values, const std::int16_t* index, std::int64_t count, const float* table) {
  Spread(values, index, count, table);
}

}  // namespace torch_prune
