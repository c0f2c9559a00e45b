#include "seal.h"

#include "bits.h"
#include "dispatch.h"

namespace torch_prune {
namespace {

TORCH_PRUNE_INLINE void Loop(float* values, const bool* keep, std::int64_t count) {
  for (std::int64_t i = 0; i < count; ++i) values[i] = Selected(values[i], keep[i]);
}

#if defined(__x86_64__)
TORCH_PRUNE_AVX512 void Avx512(float* values, const bool* keep, std::int64_t count) {
  Loop(values, keep, count);
}
TORCH_PRUNE_AVX2 void Avx2(float* values, const bool* keep, std::int64_t count) {
  Loop(values, keep, count);
}
#endif

}  // namespace

void SealPass(float* values, const bool* keep, std::int64_t count) {
#if defined(__x86_64__)
  switch (BestIsa()) {
    case Isa::kAvx512:
      return Avx512(values, keep, count);
    case Isa::kAvx2:
      return Avx2(values, keep, count);
    case Isa::kBaseline:
      break;
  }
#endif
  Loop(values, keep, count);
}

}  // namespace torch_prune
