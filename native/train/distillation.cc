#include "distillation.h"

#include <ATen/ATen.h>

namespace torch_prune {

void Distillation::Check(const Dataset& dataset) const {
  if (!teacher.defined()) return;
  dataset.NeedIndex("distillation");
  if (teacher.dim() < 2 || teacher.size(0) != dataset.size()) {
    throw Error("ERR_SHAPE", "a teacher's outputs must be [samples of the dataset, ...], got " +
                                 c10::str(teacher.sizes()));
  }
}

void Distillation::Check(at::IntArrayRef outputs) const {
  if (!teacher.defined() || teacher.sizes().slice(1) == outputs.slice(1)) return;
  throw Error("ERR_SHAPE", "a teacher's outputs must have the shape of the network's, " +
                               c10::str(outputs.slice(1)) + ", got " + c10::str(teacher.sizes().slice(1)));
}

at::Tensor Distillation::Mix(const Loss& loss, const at::Tensor& hard, const at::Tensor& outputs,
                             const Dataset::Batch& batch) const {
  if (!teacher.defined()) return hard;
  const at::Tensor samples =
      at::from_blob(const_cast<std::int64_t*>(batch.indices.data()), {batch.size()}, at::kLong);
  const at::Tensor taught = teacher.index_select(0, samples).to(outputs.device());
  return hard * (1 - weight) + loss.Distance(outputs, taught, temperature, weight);
}

}  // namespace torch_prune
