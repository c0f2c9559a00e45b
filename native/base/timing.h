#pragma once
#include <algorithm>
#include <chrono>
#include <vector>

namespace torch_prune {

// How long work takes.
template <typename Work>
double Milliseconds(const Work& work) {
  const auto begin = std::chrono::steady_clock::now();
  work();
  return std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - begin).count();
}

// Of at least one value; the upper one of two in the middle.
inline double Median(std::vector<double> values) {
  std::nth_element(values.begin(), values.begin() + values.size() / 2, values.end());
  return values[values.size() / 2];
}

}  // namespace torch_prune
