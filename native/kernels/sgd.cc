// Each operation rounds as written: what is to be fused says so.
#pragma GCC optimize("fp-contract=off")

#include "sgd.h"

#include "dispatch.h"

namespace torch_prune {
namespace {

// libtorch's add(a, b, alpha) is one fused multiply-add; its mul rounds by itself.
template <bool kMomentum, bool kNesterov, bool kFirst>
TORCH_PRUNE_INLINE void Loop(float* __restrict weight, const float* __restrict gradient,
                             float* __restrict buffer, std::int64_t count, const SgdStep& step) {
  const float rate = -step.lr, momentum = step.momentum, decay = step.weight_decay,
              share = 1 - step.dampening;
  for (std::int64_t i = 0; i < count; ++i) {
    float direction = __builtin_fmaf(weight[i], decay, gradient[i]);
    if constexpr (kMomentum) {
      const float moved = kFirst ? direction : __builtin_fmaf(direction, share, buffer[i] * momentum);
      buffer[i] = moved;
      direction = kNesterov ? __builtin_fmaf(moved, momentum, direction) : moved;
    }
    weight[i] = __builtin_fmaf(direction, rate, weight[i]);
  }
}

TORCH_PRUNE_INLINE void Choose(float* weight, const float* gradient, float* buffer, std::int64_t count,
                               const SgdStep& step) {
  if (buffer == nullptr) return Loop<false, false, false>(weight, gradient, buffer, count, step);
  if (step.nesterov) {
    return step.first ? Loop<true, true, true>(weight, gradient, buffer, count, step)
                      : Loop<true, true, false>(weight, gradient, buffer, count, step);
  }
  return step.first ? Loop<true, false, true>(weight, gradient, buffer, count, step)
                    : Loop<true, false, false>(weight, gradient, buffer, count, step);
}

#if defined(__x86_64__)
TORCH_PRUNE_AVX512 void Avx512(float* w, const float* g, float* b, std::int64_t n, const SgdStep& step) {
  Choose(w, g, b, n, step);
}
TORCH_PRUNE_AVX2 void Avx2(float* w, const float* g, float* b, std::int64_t n, const SgdStep& step) {
  Choose(w, g, b, n, step);
}
#endif

}  // namespace

void SgdPass(float* weight, const float* gradient, float* buffer, std::int64_t count, const SgdStep& step) {
#if defined(__x86_64__)
  switch (BestIsa()) {
    case Isa::kAvx512:
      return Avx512(weight, gradient, buffer, count, step);
    case Isa::kAvx2:
      return Avx2(weight, gradient, buffer, count, step);
    case Isa::kBaseline:
      break;
  }
#endif
  Choose(weight, gradient, buffer, count, step);
}

}  // namespace torch_prune
