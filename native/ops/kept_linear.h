#pragma once
#include <ATen/core/Tensor.h>
#include <ATen/core/ivalue.h>

#include <cstdint>
#include <unordered_map>
#include <vector>

#include "../kernels/panel_rows.h"

namespace torch_prune {

// A linear layer that computes with its kept weights alone, in training: its output, the gradient of its
// input, and that of the kept weights. These stand in for the dense weight meanwhile, as a leaf tensor of
// their own in an order of their own, so that an optimizer's step goes over them alone, too.
//
// It has memory to compute in, so it does one thing at a time, and Forward() is followed by one backward.
class KeptLinear : public torch::CustomClassHolder {
 public:
  // Whether there can be one of a weight with this kept mask.
  static bool Fits(const at::Tensor& weight, const at::Tensor& keep);
  // Of a weight [out, in], for batches of about so many samples; others are computed as well. The values are
  // those that the weight has now.
  KeptLinear(const at::Tensor& weight, const at::Tensor& keep, std::int64_t batch);
  KeptLinear(const KeptLinear&) = delete;
  KeptLinear& operator=(const KeptLinear&) = delete;

  // Of what it was made.
  const at::Tensor& keep() const { return keep_; }
  // The kept weights: [kept]. Backward writes to `.grad`, or adds where there is one.
  const at::Tensor& values() const { return values_; }
  // Moves numbers from where the weight has its kept ones to where values() has them, and back. Nothing else
  // of a dense tensor is read or written.
  void Gather(const at::Tensor& dense, const at::Tensor& kept) const;
  void Spread(const at::Tensor& kept, const at::Tensor& dense) const;

  // at::linear(input [..., in], weight, bias [out] or undefined).
  static at::Tensor Forward(const c10::intrusive_ptr<KeptLinear>& layer, const at::Tensor& input,
                            const at::Tensor& bias);

 private:
  struct Product;
  at::Tensor Multiply(const at::Tensor& input, const at::Tensor& bias);
  // Returns the gradient of the input [n, in], undefined where nobody needs it.
  at::Tensor Differentiate(const at::Tensor& gradient, bool of_input);
  // Samples [n, features] in panels of `width_` each: [panels, features, width]. What is missing is zero.
  void ToPanels(const at::Tensor& samples, at::Tensor& panels) const;
  at::Tensor FromPanels(const at::Tensor& panels, std::int64_t samples) const;

  const at::Tensor keep_;
  const std::int64_t inputs_, width_;
  PanelRows weight_;
  const at::Tensor values_, gradient_;  // the values lie in weight_
  std::vector<std::int64_t> parts_;     // rows by thread
  at::Tensor x_, y_, of_y_, of_x_;      // panels: memory to compute in
};

// The layers of a training that have one, by the weights that they stand in for.
using KeptLinears = std::unordered_map<const c10::TensorImpl*, c10::intrusive_ptr<KeptLinear>>;

}  // namespace torch_prune
