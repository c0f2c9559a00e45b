#include "parts.h"

#include <ATen/Version.h>

#include <string>

namespace torch_prune {

Epilogue EpilogueOf(const at::Tensor& bias, const Clamp& clamp) {
  return {bias.defined() ? bias.const_data_ptr<float>() : nullptr, clamp.lowest, clamp.highest};
}

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
