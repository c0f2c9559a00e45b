#pragma once
#include <ATen/Parallel.h>

#include <cstdint>
#include <vector>

#include "../kernels/dispatch.h"
#include "../kernels/epilogue.h"
#include "../layers/lowering.h"

namespace torch_prune {

// Calls work(parts[i], parts[i + 1]) for all i, each on a thread.
template <typename Work>
void InParts(const std::vector<std::int64_t>& parts, const Work& work) {
  const auto count = static_cast<std::int64_t>(parts.size()) - 1;
  if (count == 1) return work(parts[0], parts[1]);
  at::parallel_for(0, count, 1, [&](std::int64_t first, std::int64_t last) {
    for (std::int64_t part = first; part < last; part++) work(parts[part], parts[part + 1]);
  });
}

inline std::int64_t RoundedUp(std::int64_t count, std::int64_t step) {
  return (count + step - 1) / step * step;
}

// What follows a product. The bias must outlive it.
Epilogue EpilogueOf(const at::Tensor& bias, const Clamp& clamp);

// The instructions that libtorch uses here, which ATEN_CPU_CAPABILITY makes fewer.
Isa UsedIsa();

}  // namespace torch_prune
