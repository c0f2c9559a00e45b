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

void Distillation::MoveTo(const at::Device& device) {
  constexpr std::size_t kMany = std::size_t{64} << 20;  // of bytes, whose copy takes milliseconds
  if (teacher.defined() && teacher.nbytes() <= kMany) teacher = teacher.to(device);
}

at::Tensor Distillation::Taught(const Dataset::Batch& batch, const at::Device& device) const {
  if (!teacher.defined()) return {};
  if (batch.samples.defined() && batch.samples.device() == teacher.device())
    return teacher.index_select(0, batch.samples);
  const at::Tensor samples =
      at::from_blob(const_cast<std::int64_t*>(batch.indices.data()), {batch.size()}, at::kLong);
  return teacher.index_select(0, samples.to(teacher.device())).to(device);
}

at::Tensor Distillation::Mix(const Loss& loss, const at::Tensor& hard, const at::Tensor& outputs,
                             const at::Tensor& taught) const {
  if (!teacher.defined()) return hard;
  return hard * (1 - weight) + loss.Distance(outputs, taught, temperature, weight);
}

}  // namespace torch_prune
