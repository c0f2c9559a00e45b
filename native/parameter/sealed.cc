#include "mask.h"
#include "parametrization.h"

namespace torch_prune {
namespace {

// Holds pruned weights at +0. With weight, gradient and moments +0 there, SGD and Adam leave +0 by their own
// arithmetic.
class Sealed : public Parametrization {
 public:
  Sealed(const at::Tensor& values, const at::Tensor& keep) : mask_(values, keep) {}

  const char* name() const override { return "sealed"; }
  std::unique_ptr<Parametrization> Like(const at::Tensor& values) const override {
    return std::make_unique<Sealed>(values, mask_.keep());
  }
  void Settle(const at::Tensor& values) const override { mask_.Seal(values); }
  std::int64_t Unsettled(const at::Tensor& values) const override { return mask_.Unsealed(values); }
  at::Tensor gradient_mask() const override { return mask_.keep(); }
  at::Tensor keep() const override { return mask_.keep(); }

 private:
  Mask mask_;
};

const ParametrizationKind kSealed("sealed", [](const at::Tensor& parameter, const at::Tensor& keep) {
  return std::unique_ptr<Parametrization>(std::make_unique<Sealed>(parameter, keep));
});

}  // namespace
}  // namespace torch_prune
