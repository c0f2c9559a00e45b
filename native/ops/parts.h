#pragma once
#include <ATen/Parallel.h>

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <vector>

#include "../kernels/dispatch.h"

namespace torch_prune {

// A product of fewer weights is finished before a second thread has started.
constexpr std::int64_t kFewestWeights = 1 << 15;

// Calls work(thread, task) for `count` tasks, each on the next thread that is free, since others may use a
// core too, by at most so many threads.
template <typename Work>
void InTasks(std::int64_t count, std::int64_t threads, const Work& work) {
  if (count == 1) return work(std::int64_t{0}, std::int64_t{0});
  std::atomic<std::int64_t> next = 0;
  threads = std::min<std::int64_t>({count, threads, at::get_num_threads()});
  at::parallel_for(0, threads, 1, [&](std::int64_t first, std::int64_t) {
    for (std::int64_t task; (task = next.fetch_add(1, std::memory_order_relaxed)) < count;) work(first, task);
  });
}

// Calls work(parts[i], parts[i + 1]) for all i, as tasks.
template <typename Work>
void InParts(const std::vector<std::int64_t>& parts, const Work& work) {
  const auto count = static_cast<std::int64_t>(parts.size()) - 1;
  InTasks(count, count, [&](std::int64_t, std::int64_t part) { work(parts[part], parts[part + 1]); });
}

inline std::int64_t RoundedUp(std::int64_t count, std::int64_t step) {
  return (count + step - 1) / step * step;
}

// Of how many columns a block of PanelRows should be, for inputs that lie as [columns, width]: so many that
// its inputs stay close to a core, but enough that a row has a hundred weights in each block. The ends of
// rows cost more than a first cache saves: of 20 kilobytes, a layer at 4% took 1.7 times as long for 8
// samples.
inline std::int64_t PanelColumns(std::int64_t width) {
  constexpr std::int64_t kBlockBytes = 80 << 10, kFewestColumns = 256;
  return std::max<std::int64_t>(kBlockBytes / (width * sizeof(float)), kFewestColumns);
}

// The instructions that libtorch uses here, which ATEN_CPU_CAPABILITY makes fewer.
Isa UsedIsa();

}  // namespace torch_prune
