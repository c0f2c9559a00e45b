#include <ATen/ATen.h>

#include "mask.h"
#include "parametrization.h"
#include "straight_through.h"

namespace torch_prune {
namespace {

// Leaves the parameter dense, gradient and moments too, so that what is pruned may return (Guo, Yao and Chen
// 2016). Layers compute with the kept values and +0 elsewhere; backward hands the dense parameter all of the
// gradient (their equation 3).
class Spliced : public Parametrization {
 public:
  Spliced(const at::Tensor& values, const at::Tensor& keep) : mask_(values, keep) {}

  const char* name() const override { return "spliced"; }
  std::unique_ptr<Parametrization> Like(const at::Tensor& values) const override {
    return std::make_unique<Spliced>(values, mask_.keep());
  }
  void Settle(const at::Tensor&) const override {}
  std::int64_t Unsettled(const at::Tensor&) const override { return 0; }
  at::Tensor Settled(const at::Tensor& values) const override { return values; }
  at::Tensor Effective(const at::Tensor& parameter) const override {
    const at::Tensor read = parameter.detach().clone();
    mask_.Seal(read);
    return StraightThrough::apply(parameter, read);
  }
  at::Tensor keep() const override { return mask_.keep(); }
  bool MayReturn() const override { return true; }
  void SetKeep(at::Tensor keep) override { mask_.Replace(std::move(keep)); }

 private:
  Mask mask_;
};

const ParametrizationKind kSpliced("spliced", [](const at::Tensor& parameter, const at::Tensor& keep) {
  return std::unique_ptr<Parametrization>(std::make_unique<Spliced>(parameter, keep));
});

}  // namespace
}  // namespace torch_prune
