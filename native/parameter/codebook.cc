#include <ATen/ATen.h>
#include <torch/csrc/autograd/custom_function.h>

#include "groups.h"
#include "parametrization.h"

namespace torch_prune {
namespace {

using torch::autograd::AutogradContext;
using torch::autograd::variable_list;
using GroupsPtr = c10::intrusive_ptr<Groups>;

constexpr const char* kGroups = "groups";

void Remember(AutogradContext* context, const GroupsPtr& groups) {
  context->saved_data[kGroups] =
      c10::IValue::make_capsule(c10::static_intrusive_pointer_cast<torch::CustomClassHolder>(groups));
}

GroupsPtr Remembered(AutogradContext* context) {
  return c10::static_intrusive_pointer_cast<Groups>(context->saved_data[kGroups].toCapsule());
}

// Gives each weight the sum of its group, which is its own transpose.
struct SumOfGroup : torch::autograd::Function<SumOfGroup> {
  static at::Tensor forward(AutogradContext* context, const at::Tensor& values, const GroupsPtr& groups) {
    Remember(context, groups);
    return groups->SpreadSum(values);
  }
  static variable_list backward(AutogradContext* context, variable_list gradients) {
    return {SumOfGroup::apply(gradients[0], Remembered(context)), at::Tensor()};
  }
};

// Hands on the weights as they are, and gives each of them the gradient of its shared value.
struct ShareGradient : torch::autograd::Function<ShareGradient> {
  static at::Tensor forward(AutogradContext* context, const at::Tensor& weight, const GroupsPtr& groups) {
    Remember(context, groups);
    return weight;
  }
  static variable_list backward(AutogradContext* context, variable_list gradients) {
    return {SumOfGroup::apply(gradients[0], Remembered(context)), at::Tensor()};
  }
};

// Weights that share a few values, a codebook (Han, Mao and Dally 2016): all weights of an index are equal,
// bit for bit, and what is pruned is +0. The parameter stays dense, and so do its gradient and its moments;
// each holds at every weight what a codebook in its place would hold for it: the gradient of a value is the
// sum of its weights' gradients, which Effective() sees to, and an optimizer that works element by element
// then does to each weight what it would do to the codebook. Weight decay thus counts a value once, not once
// for each of its weights.
class Codebook : public Parametrization {
 public:
  Codebook(const at::Tensor& values, const at::Tensor& index)
      : groups_(c10::make_intrusive<Groups>(values, index)), keep_(groups_->index().ne(0)) {}

  const char* name() const override { return "codebook"; }
  std::unique_ptr<Parametrization> Like(const at::Tensor& values) const override {
    return std::make_unique<Codebook>(values, index());
  }
  // A gradient that did not come through Effective() is one of weights by themselves: the nearest that all
  // weights of an index have in common is its mean.
  void Settle(const at::Tensor& values) const override { groups_->SpreadMean(values); }
  void SettleAfterStep(const at::Tensor& values) const override { groups_->SpreadFirst(values); }
  std::int64_t Unsettled(const at::Tensor& values) const override { return groups_->Unequal(values); }
  at::Tensor Effective(const at::Tensor& parameter) const override {
    return ShareGradient::apply(parameter, groups_);
  }
  at::Tensor keep() const override { return keep_; }
  std::unique_ptr<Parametrization> Pruned(const at::Tensor& parameter,
                                          const at::Tensor& keep) const override {
    return std::make_unique<Codebook>(parameter, index().mul(keep.ne(0)));
  }
  at::Tensor index() const override { return groups_->index(); }
  at::Tensor Shared(const at::Tensor& values) const override { return groups_->TableOf(values); }

 private:
  GroupsPtr groups_;
  at::Tensor keep_;
};

const ParametrizationKind kCodebook("codebook", [](const at::Tensor& parameter, const at::Tensor& index) {
  return std::unique_ptr<Parametrization>(std::make_unique<Codebook>(parameter, index));
});

}  // namespace
}  // namespace torch_prune
