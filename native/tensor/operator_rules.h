#pragma once
#include <ATen/core/dispatch/Dispatcher.h>
#include <ATen/core/stack.h>

#include <vector>

namespace torch_prune {

// Throws for an operator that programs may not call: one that trusts its arguments and so may read or write
// outside of memory, or one that is there to change the shape or the memory of a tensor that exists.
// Networks, datasets and optimizers hold tensors that programs hold, too, and count on both.
void CheckOffered(const c10::OperatorHandle& op);

// Holds the tensors that an operator writes to at their shape: where an `out` does not fit, libtorch would
// give it another one. Puts it back when it goes, however the operator ended.
class KeepShapes {
 public:
  KeepShapes(const c10::FunctionSchema& schema, const torch::jit::Stack& arguments);
  ~KeepShapes();
  KeepShapes(const KeepShapes&) = delete;
  KeepShapes& operator=(const KeepShapes&) = delete;

  // Throws when a shape changed.
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
