#include "form.h"

#include <ATen/ATen.h>
#include <c10/util/Exception.h>

namespace torch_prune {

at::Tensor Bounded(at::Tensor output, const Clamp& clamp) {
  const bool low = clamp.lowest > -std::numeric_limits<float>::infinity();
  const bool high = clamp.highest < std::numeric_limits<float>::infinity();
  if (low && high) return at::clamp_(output, clamp.lowest, clamp.highest);
  if (low) return clamp.lowest == 0 ? at::relu_(output) : at::clamp_min_(output, clamp.lowest);
  return high ? at::clamp_max_(output, clamp.highest) : output;
}

namespace {

class Dense : public Form {
 public:
  explicit Dense(const Weighing& weighing) : product_(weighing.product), clamp_(weighing.clamp) {}

  at::Tensor Run(const at::Tensor& input) override {
    const auto& [weight, bias, window] = product_;
    if (!window) return Bounded(at::linear(input, weight, bias), clamp_);
    return Bounded(
        at::conv2d(input, weight, bias, window->stride, window->padding, window->dilation, window->groups),
        clamp_);
  }
  std::int64_t bytes() const override { return static_cast<std::int64_t>(product_.weight.nbytes()); }
  at::Tensor Weight() const override { return product_.weight; }
  std::unique_ptr<Form> Again() const override { return std::make_unique<Dense>(*this); }

 private:
  Product product_;
  Clamp clamp_;
};

// By compressed sparse rows, with indices of 32 bits.
class Csr : public Form {
 public:
  explicit Csr(const Weighing& weighing) : bias_(weighing.product.bias), clamp_(weighing.clamp) {
    const WithoutWarnings quiet;  // of how new compressed rows are
    const at::Tensor rows = weighing.product.weight.to_sparse_csr();
    // MKL converts indices of 64 bits in every call.
    weight_ = at::sparse_csr_tensor(rows.crow_indices().to(at::kInt), rows.col_indices().to(at::kInt),
                                    rows.values(), rows.sizes(), rows.options());
  }

  at::Tensor Run(const at::Tensor& input) override {
    at::Tensor output = at::matmul(weight_, input.t()).t();
    if (bias_.defined()) output.add_(bias_);
    return Bounded(output.contiguous(), clamp_);
  }
  std::int64_t bytes() const override {
    return static_cast<std::int64_t>(weight_.crow_indices().nbytes() + weight_.col_indices().nbytes() +
                                     weight_.values().nbytes());
  }

  at::Tensor Weight() const override { return weight_.to_dense(); }
  std::unique_ptr<Form> Again() const override { return std::make_unique<Csr>(*this); }

 private:
  at::Tensor weight_, bias_;
  Clamp clamp_;
};

std::unique_ptr<Form> MakeCsr(const Weighing& weighing) {
  return weighing.linear() ? std::make_unique<Csr>(weighing) : nullptr;
}

std::unique_ptr<Form> MakeSparse(const Weighing& weighing) {
  return weighing.linear() ? MakeSparseLinearForm(weighing) : MakeSparseConvolutionForm(weighing);
}

}  // namespace

std::int64_t Weighing::kept() const {
  return product.weight.count_nonzero().item<std::int64_t>();
}

Epilogue EpilogueOf(const at::Tensor& bias, const Clamp& clamp) {
  return {bias.defined() ? bias.const_data_ptr<float>() : nullptr, clamp.lowest, clamp.highest};
}

std::unique_ptr<Form> MakeDenseForm(const Weighing& weighing) {
  return std::make_unique<Dense>(weighing);
}

using Runs = NamedForm::Runs;
const NamedForm kForms[6] = {{"dense", MakeDenseForm, false, Runs::kAnywhere},
                             {"packed", MakePackedForm, false, Runs::kOnCpu},
                             {"csr", MakeCsr, true, Runs::kOnCpu},
                             {"sparse", MakeSparse, true, Runs::kOnCpu},
                             {"shared", MakeSharedForm, true, Runs::kOnCpu},
                             {"semi-structured", MakeSemiStructuredForm, true, Runs::kOnGpu}};

}  // namespace torch_prune
