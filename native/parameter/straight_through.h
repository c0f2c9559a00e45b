#pragma once
#include <ATen/core/Tensor.h>
#include <torch/csrc/autograd/custom_function.h>

namespace torch_prune {

// Hands on what a parameter is read as, and gives the parameter itself all of its gradient.
struct StraightThrough : torch::autograd::Function<StraightThrough> {
  static at::Tensor forward(torch::autograd::AutogradContext*, const at::Tensor&, const at::Tensor& read) {
    return read;
  }
  static torch::autograd::variable_list backward(torch::autograd::AutogradContext*,
                                                 torch::autograd::variable_list gradients) {
    return {std::move(gradients[0]), at::Tensor()};
  }
};

}  // namespace torch_prune
