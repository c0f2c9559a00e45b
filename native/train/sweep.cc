#include "sweep.h"

#include <ATen/ATen.h>
#include <ATen/core/grad_mode.h>

#include <algorithm>

#include "../data/file_tensor.h"
#include "../network/autocast.h"

namespace torch_prune {

Slices Sweep::Run(Job& job, Compute compute) {
  const auto count = dataset->size();
  const auto total = static_cast<double>(count * variants);
  for (std::int64_t variant = 0; variant < variants; ++variant) {
    const Dataset::Plan plan{InOrder(count), batch_size, network->device(), augmentation,
                             seed + static_cast<std::uint64_t>(variant)};
    const auto pass = dataset->Read(plan);
    const std::int64_t end = drop_last ? count - count % batch_size : count;
    for (std::int64_t begin = 0; begin < end && !job.Cancelled(); begin += batch_size) {
      const auto size = std::min(batch_size, count - begin);
      while (!pass->Ready(job) && !job.Cancelled()) co_await kHandOver;
      {
        const at::NoGradGuard no_grad;
        const Autocast cast(network->device(), autocast);
        const auto batch = pass->Next(job);
        if (variant == 0) NoteAbsent(begin, size, batch.indices);
        if (batch.size() == 0) continue;
        const auto part = compute(batch.images);
        if (!outputs.defined()) {
          auto shape = part.sizes().vec();
          shape[0] = count * variants;
          outputs = Room(shape);
        }
        Keep(variant * count, begin, size, batch.indices, part);
      }
      if (job.WantsReport()) job.Report({static_cast<double>(variant * count + begin + size), total});
      co_await kHandOver;
    }
  }
  if (!outputs.defined() && !job.Cancelled()) dataset->RefuseEmpty();
}

at::Tensor Sweep::Room(at::IntArrayRef shape) const {
  if (!folder.empty()) return FileTensor(folder, shape);
  return absent.empty() && dataset->Whole() ? at::empty(shape, at::kFloat) : at::zeros(shape, at::kFloat);
}

void Sweep::NoteAbsent(std::int64_t begin, std::int64_t size, const std::vector<std::int64_t>& present) {
  for (std::int64_t i = begin; i < begin + size; ++i)
    if (!std::binary_search(present.begin(), present.end(), i)) absent.push_back(i);
}

void Sweep::Keep(std::int64_t row, std::int64_t begin, std::int64_t size,
                 const std::vector<std::int64_t>& present, const at::Tensor& part) {
  if (static_cast<std::int64_t>(present.size()) == size) {
    outputs.slice(0, row + begin, row + begin + size).copy_(part);
    return;
  }
  for (std::size_t i = 0; i < present.size(); ++i)
    outputs.select(0, row + present[i]).copy_(part.select(0, static_cast<std::int64_t>(i)));
}

}  // namespace torch_prune
