#include <ATen/ATen.h>
#include <torch/csrc/autograd/custom_function.h>

#include "mask.h"
#include "parametrization.h"

namespace torch_prune {
namespace {

struct StraightThrough : torch::autograd::Function<StraightThrough> {
  static at::Tensor forward(torch::autograd::AutogradContext*, const at::Tensor& dense, const Mask* mask) {
    at::Tensor effective = dense.detach().clone();
    mask->Seal(effective);
    return effective;
  }
  static torch::autograd::variable_list backward(torch::autograd::AutogradContext*,
                                                 torch::autograd::variable_list gradients) {
    return {std::move(gradients[0]), at::Tensor()};
  }
};

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
    return StraightThrough::apply(parameter, &mask_);
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
