#pragma once
#include <ATen/core/dispatch/Dispatcher.h>
#include <ATen/core/stack.h>

#include <vector>

namespace torch_prune {

// Throws for an operator that programs may not call: one that trusts its arguments, so that it may read or
// write outside of memory, or one whose purpose is to change the shape or the memory of an existing tensor.
// Networks, datasets and optimizers share tensors with programs, and rely on both.
void CheckOffered(const c10::OperatorHandle& op);

// Preserves the shape of the tensors that an operator writes to: if an `out` does not fit, libtorch would
// give it another shape. The shape is restored on destruction, however the operator ended.
class KeepShapes {
 public:
  KeepShapes(const c10::FunctionSchema& schema, const torch::jit::Stack& arguments);
  ~KeepShapes();
  KeepShapes(const KeepShapes&) = delete;
  KeepShapes& operator=(const KeepShapes&) = delete;

  // Throws if a shape has changed.
  void Check() const;

 private:
  struct Kept {
    at::Tensor tensor;
    std::vector<std::int64_t> sizes, strides;
    std::int64_t offset;

    bool Changed() const;
  };
  std::vector<Kept> written_;
};

}  // namespace torch_prune
