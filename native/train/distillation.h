#pragma once
#include <ATen/core/Tensor.h>

#include "../base/arguments.h"
#include "../data/dataset.h"
#include "loss.h"

namespace torch_prune {

// Distillation (Hinton, Vinyals and Dean 2015): what a teacher says about every sample, and how much it
// counts.
struct Distillation {
  at::Tensor teacher;  // float32 [N, ...], the teacher's outputs; undefined if there is no teacher
  double weight = 0;
  double temperature = 1;

  // Keeps a teacher's outputs on the device, unless they are many.
  void MoveTo(const at::Device& device);
  // Throws unless the teacher has an output for each sample of the dataset.
  void Check(const Dataset& dataset) const;
  // Throws unless the network's outputs, [n, ...], have the shape of the teacher's.
  void Check(at::IntArrayRef outputs) const;
  // What the teacher says of a batch, on the device; undefined if there is no teacher.
  at::Tensor Taught(const Dataset::Batch& batch, const at::Device& device) const;
  // The loss of a batch, given its loss on the targets alone.
  at::Tensor Mix(const Loss& loss, const at::Tensor& hard, const at::Tensor& outputs,
                 const at::Tensor& taught) const;
};

}  // namespace torch_prune
