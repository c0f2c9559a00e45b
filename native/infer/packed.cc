#include <ATen/ATen.h>
#include <ATen/core/dispatch/Dispatcher.h>

#include <optional>
#include <utility>

#include "form.h"

namespace torch_prune {
namespace {

std::optional<c10::OperatorHandle> Find(const char* name) {
  return c10::Dispatcher::singleton().findSchema({name, ""});
}

// By their schemas, which stay when libtorch's headers change.
at::Tensor Call(const c10::OperatorHandle& what, torch::jit::Stack stack) {
  what.callBoxed(&stack);
  return std::move(stack.at(0)).toTensor();
}

// A convolution by oneDNN, zeros and all, whose weights were put into its own layout once: libtorch's conv2d
// does so at each call. Outputs are channels last.
class Packed : public Form {
 public:
  static std::unique_ptr<Form> Of(const Weighing& weighing) {
    const at::Tensor& weight = weighing.product.weight;
    if (weighing.linear() || !weight.is_cpu() || weight.scalar_type() != at::kFloat) return nullptr;
    const auto pack = Find("mkldnn::_reorder_convolution_weight"),
               run = Find("mkldnn::_convolution_pointwise");
    if (!pack || !run || !at::globalContext().hasMKLDNN()) return nullptr;
    const auto& window = *weighing.product.window;
    const at::Tensor packed = Call(*pack, {weight.contiguous(), window.padding, window.stride,
                                           window.dilation, window.groups, weighing.input});
    return std::unique_ptr<Form>(new Packed(weighing, packed, *run));
  }

  at::Tensor Run(const at::Tensor& input) override {
    // Its own ReLU would make 0 of what is not a number.
    at::Tensor output = Call(run_, {input, weight_, bias_.defined() ? c10::IValue(bias_) : c10::IValue(),
                                    window_.padding, window_.stride, window_.dilation, window_.groups, "none",
                                    c10::List<std::optional<at::Scalar>>(), ""});
    return Bounded(std::move(output), clamp_);
  }
  std::int64_t bytes() const override { return weight_.numel() * static_cast<std::int64_t>(sizeof(float)); }
  at::Tensor Weight() const override { return weight_.to_dense(); }
  std::unique_ptr<Form> Again() const override { return std::make_unique<Packed>(*this); }

 private:
  Packed(const Weighing& weighing, at::Tensor weight, c10::OperatorHandle run)
      : run_(run),
        weight_(std::move(weight)),
        bias_(weighing.product.bias),
        window_(*weighing.product.window),
        clamp_(weighing.clamp) {}

  c10::OperatorHandle run_;
  at::Tensor weight_, bias_;
  Window window_;
  Clamp clamp_;
};

}  // namespace

std::unique_ptr<Form> MakePackedForm(const Weighing& weighing) {
  return Packed::Of(weighing);
}

}  // namespace torch_prune
