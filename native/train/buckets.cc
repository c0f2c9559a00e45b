#include "buckets.h"

#include <ATen/ATen.h>
#include <ATen/core/grad_mode.h>

namespace torch_prune {
namespace {

// As torch.nn.parallel.DistributedDataParallel has them: a bucket is full once it has so many bytes.
constexpr std::size_t kFirstBytes = 1 << 20, kBucketBytes = 25 << 20;

// Calls a function with each tensor and its part of the flat one.
template <typename Call>
void ForEach(const Bucket& bucket, const at::Tensor& flat, Call&& call) {
  const at::NoGradGuard no_grad;
  std::int64_t at = 0;
  for (const auto& tensor : bucket) {
    call(tensor.detach(), flat.narrow(0, at, tensor.numel()).view(tensor.sizes()));
    at += tensor.numel();
  }
}

at::Tensor Scalar(double value, const at::Tensor& like) {
  return at::scalar_tensor(value, like.options().device(at::kCPU));
}

}  // namespace

std::vector<Bucket> BucketsOf(const std::vector<at::Tensor>& tensors) {
  std::vector<Bucket> buckets;
  std::size_t bytes = 0;
  for (const auto& tensor : tensors) {
    const bool fits = !buckets.empty() && bytes < (buckets.size() == 1 ? kFirstBytes : kBucketBytes) &&
                      buckets.back().front().dtype() == tensor.dtype();
    if (!fits) {
      buckets.emplace_back();
      bytes = 0;
    }
    buckets.back().push_back(tensor);
    bytes += tensor.nbytes();
  }
  return buckets;
}

std::int64_t ElementsOf(const Bucket& bucket) {
  std::int64_t elements = 0;
  for (const auto& tensor : bucket) elements += tensor.numel();
  return elements;
}

void Pack(const Bucket& bucket, double factor, const at::Tensor& flat) {
  ForEach(bucket, flat, [factor](const at::Tensor& tensor, at::Tensor part) {
    if (factor != 1 && tensor.is_cpu()) {
      at::mul_out(part, tensor, Scalar(factor, tensor));
      return;
    }
    part.copy_(tensor);
    if (factor != 1) part.mul_(factor);
  });
}

void Unpack(const Bucket& bucket, double divisor, const at::Tensor& flat) {
  ForEach(bucket, flat, [divisor](at::Tensor tensor, const at::Tensor& part) {
    if (divisor != 1 && tensor.is_cpu()) {
      at::div_out(tensor, part, Scalar(divisor, part));
      return;
    }
    tensor.copy_(part);
    if (divisor != 1) tensor.div_(divisor);
  });
}

}  // namespace torch_prune
