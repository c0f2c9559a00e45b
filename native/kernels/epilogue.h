#pragma once
#include <limits>

namespace torch_prune {

// What follows a product of weights: + bias, then into these bounds (ReLU: 0 to infinity).
struct Epilogue {
  const float* bias = nullptr;  // by output, or none
  float lowest = -std::numeric_limits<float>::infinity();
  float highest = std::numeric_limits<float>::infinity();

  float Of(float sum) const {
    // NaN stays NaN, as in at::relu.
    if (sum < lowest) return lowest;
    return sum > highest ? highest : sum;
  }
};

}  // namespace torch_prune
