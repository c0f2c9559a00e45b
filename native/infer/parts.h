#pragma once
#include <ATen/Parallel.h>

#include <cstdint>
#include <vector>

#include "../kernels/dispatch.h"

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

// The instructions that libtorch uses here, which ATEN_CPU_CAPABILITY makes fewer.
Isa UsedIsa();

}  // namespace torch_prune
