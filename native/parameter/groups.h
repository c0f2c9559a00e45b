#pragma once
#include <ATen/core/Tensor.h>
#include <ATen/core/ivalue.h>

#include <cstdint>
#include <vector>

namespace torch_prune {

// Weights in groups that share a value each: every weight has the number of its group, its index. Index 0 is
// that of pruned weights, whose value is always +0.
//
// All of it runs over the flat memory of the index, in whichever order its elements lie.
class Groups : public torch::CustomClassHolder {
 public:
  // Lies as the values do: their strides, their device. `index` has their shape, and whole numbers from 0.
  Groups(const at::Tensor& values, const at::Tensor& index);

  // Gives each element the mean, or the sum, of its group. The mean of equal floats is that float, bit for
  // bit: sums are double, which hold multiples of it exactly up to 2^29 of them.
  void SpreadMean(const at::Tensor& values) const;
  at::Tensor SpreadSum(const at::Tensor& values) const;
  // Gives each element what the first one of its group has.
  void SpreadFirst(const at::Tensor& values) const;
  // How many elements differ from the first one of their group, or are pruned and not +0, bit for bit.
  std::int64_t Unequal(const at::Tensor& values) const;

  // uint8, or int16 where there are more than 255 groups.
  const at::Tensor& index() const { return index_; }
  // What each group has, by index: [groups + 1], on the CPU.
  at::Tensor TableOf(const at::Tensor& values) const;

 private:
  at::Tensor Flat(const at::Tensor& values) const;
  at::Tensor Sums(const at::Tensor& flat) const;
  at::Tensor Firsts(const at::Tensor& flat) const;
  at::Tensor Wide() const;
  void Write(const at::Tensor& values, at::Tensor flat, const at::Tensor& table) const;
  void Count();

  at::Tensor index_;
  at::Tensor flat_index_;
  at::Tensor counts_;  // of elements by index, double, at least 1
  at::Tensor firsts_;  // where in memory the first element of each group is, int64; 0 where there is none
};

}  // namespace torch_prune
