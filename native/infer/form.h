#pragma once
#include <ATen/core/Tensor.h>
#include <c10/util/Exception.h>

#include <memory>
#include <string>
#include <vector>

#include "../kernels/epilogue.h"
#include "../layers/lowering.h"

namespace torch_prune {

// A product of weights that is to be computed for inputs of one shape, with what follows it: clamped. It is
// computed on the device and in the dtype of its weight.
struct Weighing {
  Product product;
  Clamp clamp;
  std::vector<std::int64_t> input;  // its sizes: [N, ...]
  int threads = 1;

  bool linear() const { return !product.window; }
  std::int64_t kept() const;  // weights that are not zero
};

// One of the ways to compute a product. It has its own copy of the weights and memory to compute in, so it
// does one thing at a time.
class Form {
 public:
  virtual ~Form() = default;
  // The input has the dtype of the weights. The output lies in the form's own memory, or is new; what reads
  // it may overwrite it.
  virtual at::Tensor Run(const at::Tensor& input) = 0;
  // What its weights take, in bytes.
  virtual std::int64_t bytes() const = 0;
  // Its weights, dense.
  virtual at::Tensor Weight() const = 0;
  // Another one with the same weights, which take no memory again.
  virtual std::unique_ptr<Form> Again() const = 0;
};

// Clamps in place.
at::Tensor Bounded(at::Tensor output, const Clamp& clamp);

// While one lives, libtorch says nothing of its state, which nobody asked for who compiles a network.
class WithoutWarnings {
  struct Nobody : c10::WarningHandler {
    void process(const c10::Warning&) override {}
  };
  Nobody nobody_;
  c10::WarningUtils::WarningHandlerGuard guard_{&nobody_};
};
// What follows a product. The bias must outlive it.
Epilogue EpilogueOf(const at::Tensor& bias, const Clamp& clamp);

// By libtorch, zeros and all.
std::unique_ptr<Form> MakeDenseForm(const Weighing& weighing);
// A convolution by oneDNN, with weights in its own layout. Null elsewhere.
std::unique_ptr<Form> MakePackedForm(const Weighing& weighing);
// A linear layer by the tensor cores that pass over zeros, of GPUs of compute capability 8.0 and newer: where
// at most two of every four weights are kept. Null elsewhere, and for sizes that they do not take.
std::unique_ptr<Form> MakeSemiStructuredForm(const Weighing& weighing);
// By our own loops over the kept weights. Null where they do not go: indices too large.
std::unique_ptr<Form> MakeSparseLinearForm(const Weighing& weighing);
std::unique_ptr<Form> MakeSparseConvolutionForm(const Weighing& weighing);
// By our own loop over kept weights that share a few values, for one sample of a linear layer. Null
// elsewhere.
std::unique_ptr<Form> MakeSharedForm(const Weighing& weighing);

// The forms by name, in the order of tables.
struct NamedForm {
  enum class Runs { kAnywhere, kOnCpu, kOnGpu };
  const char* name;
  std::unique_ptr<Form> (*make)(const Weighing& weighing);
  bool skips_zeros;
  Runs runs;

  bool GoesOn(const at::Device& device) const {
    return runs == Runs::kAnywhere || (runs == Runs::kOnCpu) == device.is_cpu();
  }
};
extern const NamedForm kForms[6];

}  // namespace torch_prune
