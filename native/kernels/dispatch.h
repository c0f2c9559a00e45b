#pragma once

// For loops that the compiler vectorizes: they are built for several instruction sets, one of which is chosen
// at run time. The loop is an always_inline function, so that each of its callers compiles it for its own
// instruction set.
#define TORCH_PRUNE_INLINE inline __attribute__((always_inline))

namespace torch_prune {

enum class Isa { kBaseline, kAvx2, kAvx512 };

}  // namespace torch_prune

#if defined(__x86_64__)
#define TORCH_PRUNE_AVX2 __attribute__((target("avx2,fma")))
#define TORCH_PRUNE_AVX512 __attribute__((target("avx512f,avx512vl,avx512bw,avx512dq,avx2,fma")))

namespace torch_prune {

inline Isa BestIsa() {
  if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512vl") &&
      __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512dq")) {
    return Isa::kAvx512;
  }
  return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") ? Isa::kAvx2 : Isa::kBaseline;
}

}  // namespace torch_prune
#endif
