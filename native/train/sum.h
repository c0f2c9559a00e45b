#pragma once
#include <ATen/core/Tensor.h>

namespace torch_prune {

// A sum of numbers that tensors hold. What comes from a GPU is summed there, in one place: reading each
// number back would make the GPU wait, and a recorded step adds to where the sum lies.
class Sum {
 public:
  void Add(double number) { value_ += number; }
  // Adds a tensor of one number, `factor` times.
  void Add(const at::Tensor& number, double factor = 1);
  // Begins anew from a number.
  void Restart(double value = 0);
  // Reads back what is on a GPU.
  double Read() const;

 private:
  double value_ = 0;
  at::Tensor on_device_;  // double []; undefined until something comes from there
};

}  // namespace torch_prune
