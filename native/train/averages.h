#pragma once
#include <ATen/core/Tensor.h>

#include <map>
#include <string>
#include <vector>

#include "../network/network.h"

namespace torch_prune {

// Running averages of parameters.
class Averages {
 public:
  Averages() = default;
  // The averages of a network's parameters: tensors by the parameter's name.
  Averages(const std::map<std::string, at::Tensor>& tensors, const Network& network);

  bool empty() const { return averaged_.empty(); }
  // Moves each average by `weight` towards its parameter; 0 leaves it as it is.
  void Update(double weight) const;
  // The averages alone.
  std::vector<at::Tensor> tensors() const;

 private:
  struct Averaged {
    at::Tensor average, parameter;
  };
  std::vector<Averaged> averaged_;
};

}  // namespace torch_prune
