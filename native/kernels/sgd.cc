// Each operation rounds as written; fused operations are explicit.
#pragma GCC optimize("fp-contract=off")

#include "sgd.h"

#include "bits.h"
#include "dispatch.h"

namespace torch_prune {
namespace {

// libtorch's add(a, b, alpha) is one fused multiply-add, whereas its mul rounds separately.
template <bool kMasked, bool kMomentum, bool kNesterov, bool kFirst>
TORCH_PRUNE_INLINE void Loop(float* __restrict weight, const float* __restrict gradient,
                             float* __restrict buffer, const bool* __restrict keep, std::int64_t count,
                             const SgdStep& step) {
  const float rate = -step.lr, momentum = step.momentum, decay = step.weight_decay,
              share = 1 - step.dampening;
  for (std::int64_t i = 0; i < count; ++i) {
    const float pull = kMasked ? Selected(gradient[i], keep[i]) : gradient[i];
    float direction = __builtin_fmaf(weight[i], decay, pull);
    if constexpr (kMomentum) {
      const float moved = kFirst ? direction : __builtin_fmaf(direction, share, buffer[i] * momentum);
      buffer[i] = moved;
      direction = kNesterov ? __builtin_fmaf(moved, momentum, direction) : moved;
    }
    weight[i] = __builtin_fmaf(direction, rate, weight[i]);
  }
}

template <bool kMasked>
TORCH_PRUNE_INLINE void Choose(float* w, const float* g, float* b, const bool* keep, std::int64_t n,
                               const SgdStep& step) {
  if (b == nullptr) return Loop<kMasked, false, false, false>(w, g, b, keep, n, step);
  if (step.nesterov) {
    return step.first ? Loop<kMasked, true, true, true>(w, g, b, keep, n, step)
                      : Loop<kMasked, true, true, false>(w, g, b, keep, n, step);
  }
  return step.first ? Loop<kMasked, true, false, true>(w, g, b, keep, n, step)
                    : Loop<kMasked, true, false, false>(w, g, b, keep, n, step);
}

TORCH_PRUNE_INLINE void Pass(float* w, const float* g, float* b, const bool* keep, std::int64_t n,
                             const SgdStep& step) {
  return keep == nullptr ? Choose<false>(w, g, b, keep, n, step) : Choose<true>(w, g, b, keep, n, step);
}

#if defined(__x86_64__)
TORCH_PRUNE_AVX512 void Avx512(float* w, const float* g, float* b, const bool* keep, std::int64_t n,
                               const SgdStep& step) {
  Pass(w, g, b, keep, n, step);
}
TORCH_PRUNE_AVX2 void Avx2(float* w, const float* g, float* b, const bool* keep, std::int64_t n,
                           const SgdStep& step) {
  Pass(w, g, b, keep, n, step);
}
#endif

}  // namespace

void SgdPass(float* weight, const float* gradient, float* buffer, const bool* keep, std::int64_t count,
             const SgdStep& step) {
#if defined(__x86_64__)
  switch (BestIsa()) {
    case Isa::kAvx512:
      return Avx512(weight, gradient, buffer, keep, count, step);
    case Isa::kAvx2:
      return Avx2(weight, gradient, buffer, keep, count, step);
    case Isa::kBaseline:
      break;
  }
#endif
  Pass(weight, gradient, buffer, keep, count, step);
}

}  // namespace torch_prune
