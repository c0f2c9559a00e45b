#include "shared_sums.h"

#include <ATen/ATen.h>
#include <ATen/core/grad_mode.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <stdexcept>
#include <utility>

namespace torch_prune {
namespace {

// What is summed at once stays in a core's cache.
constexpr std::int64_t kPartBytes = 2 << 20;
// More processes than a machine has cores gain nothing, and their parts take memory.
constexpr int kMostProcesses = 128;

}  // namespace

std::unique_ptr<SharedSums> SharedSums::Make(const ProcessGroup& group) {
  if (group.size() > kMostProcesses) return nullptr;
  auto memory = SharedMemory::Make(group.size(), kPartBytes);
  return std::unique_ptr<SharedSums>(memory ? new SharedSums(group, std::move(memory)) : nullptr);
}

std::unique_ptr<SharedSums> SharedSums::Open(const ProcessGroup& group, const std::string& address) {
  auto memory = SharedMemory::Open(address, group.rank(), group.size(), kPartBytes);
  return std::unique_ptr<SharedSums>(memory ? new SharedSums(group, std::move(memory)) : nullptr);
}

void SharedSums::Sum(const at::Tensor& flat, std::chrono::milliseconds timeout,
                     const std::function<bool()>& interrupted) {
  const at::NoGradGuard no_grad;
  const int size = group_.size();
  const std::int64_t most = kPartBytes / flat.element_size();
  for (std::int64_t begin = 0; begin < flat.numel(); begin += most) {
    const at::Tensor own = flat.narrow(0, begin, std::min(most, flat.numel() - begin));
    const auto in_part = [&](int rank) {
      return at::from_blob(memory_->Part(rank), own.sizes(), own.options());
    };
    const at::Tensor sum = in_part(size);
    in_part(group_.rank()).copy_(own);
    memory_->Say(static_cast<std::uint64_t>(own.nbytes()));
    memory_->Meet(timeout, interrupted);
    for (int rank = 0; rank < size; ++rank)
      if (memory_->Said(rank) != own.nbytes())
        throw std::runtime_error("the processes sum different tensors");
    const auto share = group_.ShareOf(own.numel());
    const auto of_share = [&](const at::Tensor& all) { return all.narrow(0, share.begin, share.count); };
    at::Tensor added = of_share(sum);
    at::add_out(added, of_share(in_part(0)), of_share(in_part(1)));
    for (int rank = 2; rank < size; ++rank) added.add_(of_share(in_part(rank)));
    // Nobody writes his part, or the sum, again before all have come here.
    memory_->Meet(timeout, interrupted);
    own.copy_(sum);
  }
}

}  // namespace torch_prune
