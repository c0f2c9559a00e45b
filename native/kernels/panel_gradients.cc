#include "panel_gradients.h"

#include <utility>

#include "vectors.h"

namespace torch_prune {
namespace {

// Adds the two halves of each group of 2 * `H` lanes of both vectors: the sums of `a` are then the lower half
// of each group, those of `b` the upper one.
template <typename Of, int H, int... I>
TORCH_PRUNE_INLINE void Fold(typename Of::Vec& a, const typename Of::Vec& b,
                             std::integer_sequence<int, I...>) {
  constexpr int L = Of::kLanes;
  a = __builtin_shufflevector(a, b, (I / H % 2 == 0 ? I : I - H + L)...) +
      __builtin_shufflevector(a, b, (I / H % 2 == 0 ? I + H : I + L)...);
}

// The sum of the lanes of each vector, by vector: in as many steps as the number of vectors has bits.
template <typename Of, int H = Of::kLanes / 2>
TORCH_PRUNE_INLINE void SumLanes(typename Of::Vec (&sums)[Of::kLanes]) {
#pragma GCC unroll 16
  for (int i = 0; i < H; i++)
    Fold<Of, H>(sums[i], sums[i + H], std::make_integer_sequence<int, Of::kLanes>());
  if constexpr (H > 1) SumLanes<Of, H / 2>(sums);
}

// Products of weights that wait until there are as many as a vector has lanes: their sums are then made
// together.
template <typename Of>
struct Waiting {
  typename Of::Vec sums[Of::kLanes];
  int count = 0;
};

template <typename Of>
TORCH_PRUNE_INLINE void Flush(Waiting<Of>& waiting, float* to, bool adds) {
  using Vec = typename Of::Vec;
  Vec sums[Of::kLanes];
#pragma GCC unroll 16
  for (int i = 0; i < Of::kLanes; i++) sums[i] = waiting.sums[i];
  SumLanes<Of>(sums);
  if (waiting.count == Of::kLanes) {
    Vec* place = reinterpret_cast<Vec*>(to);
    *place = adds ? *place + sums[0] : sums[0];
  } else {
    for (int i = 0; i < waiting.count; i++) to[i] = adds ? to[i] + sums[0][i] : sums[0][i];
  }
  waiting.count = 0;
}

// `T` vectors of all samples, from `at` on, of one block.
template <typename Of, int T, bool kOfX>
TORCH_PRUNE_INLINE void Samples(const PanelRows& weight, std::int64_t block, const PanelGradients& all,
                                std::int64_t at) {
  using Vec = typename Of::Vec;
  const std::int64_t* begins = weight.begins.data() + block * (weight.rows + 1);
  const float* x = all.x + weight.base[block] + at;
  float* of_x = kOfX ? all.of_x + weight.base[block] + at : nullptr;
  const bool adds = all.adds || at > 0;
  Waiting<Of> waiting;
  for (std::int64_t row = 0; row < weight.rows; row++) {
    Vec gradient[T];
#pragma GCC unroll 16
    for (int t = 0; t < T; t++) {
      gradient[t] = *reinterpret_cast<const Vec*>(all.gradient + row * all.width + at + t * Of::kLanes);
    }
    for (std::int64_t i = begins[row]; i < begins[row + 1]; i++) {
      const float* from = x + weight.offset[i];
      Vec sum = gradient[0] * *reinterpret_cast<const Vec*>(from);
#pragma GCC unroll 16
      for (int t = 1; t < T; t++) sum += gradient[t] * *reinterpret_cast<const Vec*>(from + t * Of::kLanes);
      waiting.sums[waiting.count++] = sum;
      if (waiting.count == Of::kLanes) Flush(waiting, all.of_value + i + 1 - Of::kLanes, adds);
      if constexpr (kOfX) {
        const float value = weight.value[i];
        float* to = of_x + weight.offset[i];
#pragma GCC unroll 16
        for (int t = 0; t < T; t++) *reinterpret_cast<Vec*>(to + t * Of::kLanes) += value * gradient[t];
      }
    }
  }
  if (waiting.count == 0) return;
  for (int i = waiting.count; i < Of::kLanes; i++) waiting.sums[i] = Vec{};
  Flush(waiting, all.of_value + begins[weight.rows] - waiting.count, adds);
}

template <typename Of, int T>
TORCH_PRUNE_INLINE void Piece(const PanelRows& weight, std::int64_t block, const PanelGradients& all,
                              std::int64_t at) {
  all.of_x != nullptr ? Samples<Of, T, true>(weight, block, all, at)
                      : Samples<Of, T, false>(weight, block, all, at);
}

// As many vectors as are left, at most `T` at a time.
template <typename Of, int T>
TORCH_PRUNE_INLINE void Pieces(const PanelRows& weight, std::int64_t block, const PanelGradients& all,
                               std::int64_t at) {
  for (; at + T * Of::kLanes <= all.width; at += T * Of::kLanes) Piece<Of, T>(weight, block, all, at);
  if constexpr (T > 1) {
    if (at < all.width) Pieces<Of, T == 2 ? 1 : T - 2>(weight, block, all, at);
  }
}

template <typename Of, int Most>
TORCH_PRUNE_INLINE void Blocks(const PanelRows& weight, std::int64_t first, std::int64_t last,
                               const PanelGradients& all) {
  for (std::int64_t block = first; block < last; block++) Pieces<Of, Most>(weight, block, all, 0);
}

#if defined(__x86_64__)
TORCH_PRUNE_AVX2 void Avx2(const PanelRows& weight, std::int64_t first, std::int64_t last,
                           const PanelGradients& all) {
  Blocks<Of8, 8>(weight, first, last, all);
}

TORCH_PRUNE_AVX512 void Avx512(const PanelRows& weight, std::int64_t first, std::int64_t last,
                               const PanelGradients& all) {
  // The sums over the lanes of wider vectors take longer than the products of few samples.
  if (all.width % (4 * Of16::kLanes) != 0) return Blocks<Of8, 8>(weight, first, last, all);
  Blocks<Of16, 4>(weight, first, last, all);
}
#endif

}  // namespace

void AddGradients(const PanelRows& weight, std::int64_t first, std::int64_t last,
                  const PanelGradients& gradients, Isa isa) {
#if defined(__x86_64__)
  if (isa == Isa::kAvx512) return Avx512(weight, first, last, gradients);
  if (isa == Isa::kAvx2) return Avx2(weight, first, last, gradients);
#endif
  Blocks<Of4, 8>(weight, first, last, gradients);
}

}  // namespace torch_prune
