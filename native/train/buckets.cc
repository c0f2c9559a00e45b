#include "buckets.h"

#include <ATen/ATen.h>

namespace torch_prune {
namespace {

// As torch.nn.parallel.DistributedDataParallel has it.
constexpr std::size_t kBucketBytes = 25 << 20;

void Exchange(const std::vector<at::Tensor>& tensors, const std::function<void(at::Tensor&)>& exchange) {
  std::vector<at::Tensor> flat;
  for (const auto& tensor : tensors) flat.push_back(tensor.reshape({-1}));
  at::Tensor bucket = at::cat(flat).cpu();
  exchange(bucket);
  std::int64_t at = 0;
  for (const auto& tensor : tensors) {
    tensor.copy_(bucket.narrow(0, at, tensor.numel()).view(tensor.sizes()));
    at += tensor.numel();
  }
}

}  // namespace

void InBuckets(const std::vector<at::Tensor>& tensors, const std::function<void(at::Tensor&)>& exchange) {
  const at::NoGradGuard no_grad;
  std::vector<at::Tensor> bucket;
  std::size_t bytes = 0;
  for (const auto& tensor : tensors) {
    const bool full = !bucket.empty() &&
                      (bytes + tensor.nbytes() > kBucketBytes || bucket.front().dtype() != tensor.dtype());
    if (full) {
      Exchange(bucket, exchange);
      bucket.clear();
      bytes = 0;
    }
    bucket.push_back(tensor.detach());
    bytes += tensor.nbytes();
  }
  if (!bucket.empty()) Exchange(bucket, exchange);
}

}  // namespace torch_prune
