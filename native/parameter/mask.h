#pragma once
#include <ATen/core/Tensor.h>

#include <cstdint>

namespace torch_prune {

// Which weights of a parameter are kept, for the parametrizations that have a mask. It writes +0 by
// selection: a product with a mask turns infinite gradients into NaN, and negative ones into -0.
class Mask {
 public:
  // Lies as the values do: their strides, their device. `keep` has their shape and is not zero where weights
  // are kept.
  Mask(const at::Tensor& values, const at::Tensor& keep);

  // Writes +0 where it prunes, in place.
  void Seal(const at::Tensor& values) const;
  // How many elements it prunes whose bits are not +0.
  std::int64_t Unsealed(const at::Tensor& values) const;

  // bool, true where the weight stays.
  const at::Tensor& keep() const { return keep_; }
  void Replace(at::Tensor keep);

 private:
  at::Tensor Prune() const;

  at::Tensor keep_;
  at::Tensor prune_;  // the inverse on a GPU; on the CPU it is not needed, and would take a byte per weight
};

}  // namespace torch_prune
