#include "parts.h"

#include <ATen/Version.h>

#include <string>

namespace torch_prune {

Isa UsedIsa() {
#if defined(__x86_64__)
  static const Isa isa = [] {
    const std::string libtorch = at::get_cpu_capability();
    if (libtorch == "AVX512") return BestIsa();
    return libtorch == "AVX2" && BestIsa() != Isa::kBaseline ? Isa::kAvx2 : Isa::kBaseline;
  }();
  return isa;
#else
  return Isa::kBaseline;
#endif
}

}  // namespace torch_prune
