#pragma once
#include <ATen/core/Tensor.h>

#include <vector>

namespace torch_prune {

// Tensors of one dtype that are exchanged at once: few large exchanges take less time than many small ones.
using Bucket = std::vector<at::Tensor>;

// Puts tensors into buckets, in their order. The first is small, so that its exchange begins early.
std::vector<Bucket> BucketsOf(const std::vector<at::Tensor>& tensors);
std::int64_t ElementsOf(const Bucket& bucket);

// Writes the elements of a bucket, multiplied by a factor, into the beginning of a flat tensor on the CPU.
void Pack(const Bucket& bucket, double factor, const at::Tensor& flat);
// Writes them back, divided by a divisor.
void Unpack(const Bucket& bucket, double divisor, const at::Tensor& flat);

}  // namespace torch_prune
