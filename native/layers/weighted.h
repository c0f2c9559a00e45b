#pragma once
#include "layer.h"

namespace torch_prune {

// A layer with connections: a weight that can be pruned, and perhaps a bias, drawn as torch.nn draws them.
class Weighted : public Layer {
 public:
  void Initialize(at::Generator& generator) override;
  bool Draws() const override { return true; }
  bool OutputMayBeOverwritten() const override { return true; }

 protected:
  void Register(at::IntArrayRef weight, std::int64_t outputs, bool bias);

  at::Tensor weight_, bias_;  // as stored: Forward reads Effective(weight_)
};

}  // namespace torch_prune
