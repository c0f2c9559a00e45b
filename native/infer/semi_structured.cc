#include <ATen/ATen.h>

#include <algorithm>
#include <utility>

#include "form.h"

namespace torch_prune {
namespace {

// What cuSPARSELt takes of 16-bit numbers: sizes that are multiples of this.
constexpr std::int64_t kMultiple = 16;
// Its weights come back as products with so many columns of an identity matrix at a time.
constexpr std::int64_t kColumns = 1024;

bool Fits(const Weighing& weighing) {
  const at::Tensor& weight = weighing.product.weight;
  if (!weighing.linear() || weighing.input.size() != 2) return false;
  if (weight.scalar_type() != at::kBFloat16 && weight.scalar_type() != at::kHalf) return false;
  const std::int64_t sizes[] = {weight.size(0), weight.size(1), weighing.input[0]};
  if (std::any_of(std::begin(sizes), std::end(sizes), [](auto size) { return size % kMultiple != 0; }))
    return false;
  return weight.ne(0).view({weight.size(0), -1, 4}).sum(2).le(2).all().item<bool>();
}

// By cuSPARSELt, through libtorch. A call takes longer to begin than to compute: it pays in a graph only.
class SemiStructured : public Form {
 public:
  explicit SemiStructured(const Weighing& weighing)
      : weight_(at::_cslt_compress(weighing.product.weight)),
        sizes_(weighing.product.weight.sizes().vec()),
        dtype_(weighing.product.weight.scalar_type()),
        bias_(weighing.product.bias),
        clamp_(weighing.clamp) {
    const at::Tensor input = at::zeros({weighing.input[0], sizes_[1]}, weighing.product.weight.options()).t();
    const WithoutWarnings quiet;  // of how old the search is
    algorithm_ = at::_cslt_sparse_mm_search(weight_, input, Bias());
  }

  at::Tensor Run(const at::Tensor& input) override {
    return Bounded(Product(input.contiguous().t(), Bias(), algorithm_).t(), clamp_);
  }
  std::int64_t bytes() const override { return static_cast<std::int64_t>(weight_.nbytes()); }
  at::Tensor Weight() const override {
    std::vector<at::Tensor> columns;
    const auto options = weight_.options().dtype(dtype_);
    const std::int64_t width = sizes_[1];
    for (std::int64_t first = 0; first < width; first += kColumns) {
      const std::int64_t count = std::min(kColumns, width - first);
      at::Tensor identity = at::zeros({count, sizes_[1]}, options);
      identity.narrow(1, first, count).fill_diagonal_(1);
      columns.push_back(Product(identity.t(), std::nullopt, 0));
    }
    return at::cat(columns, 1);
  }
  std::unique_ptr<Form> Again() const override { return std::make_unique<SemiStructured>(*this); }

 private:
  std::optional<at::Tensor> Bias() const {
    return bias_.defined() ? std::optional<at::Tensor>(bias_) : std::nullopt;
  }
  at::Tensor Product(const at::Tensor& columns, const std::optional<at::Tensor>& bias,
                     std::int64_t algorithm) const {
    return at::_cslt_sparse_mm(weight_, columns, bias, std::nullopt, std::nullopt,
                               /*transpose_result=*/false, algorithm);
  }

  at::Tensor weight_;  // compressed
  std::vector<std::int64_t> sizes_;
  at::ScalarType dtype_;
  at::Tensor bias_;
  Clamp clamp_;
  std::int64_t algorithm_ = 0;
};

}  // namespace

std::unique_ptr<Form> MakeSemiStructuredForm(const Weighing& weighing) {
  if (!Fits(weighing)) return nullptr;
  try {
    return std::make_unique<SemiStructured>(weighing);
  } catch (const c10::OutOfMemoryError&) {
    throw;
  } catch (const c10::Error&) {
    return nullptr;  // this card, or this build of libtorch, has none
  }
}

}  // namespace torch_prune
