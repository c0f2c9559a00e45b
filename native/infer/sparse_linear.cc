#include <ATen/ATen.h>

#include <algorithm>
#include <limits>
#include <memory>
#include <utility>

#include "../kernels/even_parts.h"
#include "../kernels/narrow_rows.h"
#include "../kernels/panel_rows.h"
#include "../kernels/shared_rows.h"
#include "../kernels/sliced_rows.h"
#include "../ops/parts.h"
#include "form.h"

namespace torch_prune {
namespace {

// One sample: rows side by side.
template <typename Rows>
class OneVector : public Form {
 public:
  OneVector(const Weighing& weighing, std::shared_ptr<const Rows> weight)
      : weight_(std::move(weight)),
        columns_(weighing.product.weight.size(1)),
        bias_(weighing.product.bias),
        epilogue_(EpilogueOf(bias_, weighing.clamp)),
        output_(at::empty({1, weighing.product.weight.size(0)})) {
    const auto& begins = weight_->begins;
    const bool few = begins.back() * RowSlices::kLanes < kFewestWeights;
    parts_ = EvenParts(begins, few ? 1 : weighing.threads);
  }

  at::Tensor Run(const at::Tensor& input) override {
    const at::Tensor vector = input.contiguous();
    const float* x = vector.const_data_ptr<float>();
    float* y = output_.mutable_data_ptr<float>();
    InParts(parts_, [&](std::int64_t first, std::int64_t last) {
      Multiply(*weight_, first, last, x, epilogue_, y, UsedIsa());
    });
    return output_;
  }
  std::int64_t bytes() const override { return weight_->bytes(); }
  at::Tensor Weight() const override {
    at::Tensor weight = at::zeros({output_.size(1), columns_});
    weight_->Spread(weight.mutable_data_ptr<float>(), columns_);
    return weight;
  }
  std::unique_ptr<Form> Again() const override {
    auto again = std::make_unique<OneVector>(*this);
    again->output_ = at::empty_like(output_);
    return again;
  }

 private:
  std::shared_ptr<const Rows> weight_;
  std::int64_t columns_;
  at::Tensor bias_;
  Epilogue epilogue_;
  std::vector<std::int64_t> parts_;
  at::Tensor output_;
};

// The rows that each of so many threads takes, which have about as many kept weights; and the number of all.
std::vector<std::int64_t> PartsOf(const at::Tensor& weight, const Weighing& weighing) {
  const at::Tensor until = weight.ne(0).sum(1).add_(1).cumsum(0);  // an empty row takes time too
  const auto* counts = until.const_data_ptr<std::int64_t>();
  std::vector<std::int64_t> before{0};
  before.insert(before.end(), counts, counts + weight.size(0));
  return EvenParts(before, before.back() * weighing.input[0] < kFewestWeights ? 1 : weighing.threads);
}

// Up to 8 samples.
class FewVectors : public Form {
 public:
  explicit FewVectors(const Weighing& weighing)
      : size_(weighing.product.weight.sizes().vec()),
        bias_(weighing.product.bias),
        epilogue_(EpilogueOf(bias_, weighing.clamp)),
        output_(at::empty({weighing.input[0], size_[0]})) {
    const at::Tensor& weight = weighing.product.weight;
    const auto rows = PartsOf(weight, weighing);
    std::vector<NarrowRows> parts;
    for (std::size_t part = 0; part + 1 < rows.size(); part++) {
      parts.emplace_back(weight.const_data_ptr<float>(), rows[part], rows[part + 1], size_[1]);
      rooms_.emplace_back(parts.back().room());
    }
    parts_ = std::make_shared<const std::vector<NarrowRows>>(std::move(parts));
  }

  at::Tensor Run(const at::Tensor& input) override {
    const at::Tensor samples = input.contiguous();
    const float* x = samples.const_data_ptr<float>();
    float* y = output_.mutable_data_ptr<float>();
    const auto parts = static_cast<std::int64_t>(parts_->size());
    InTasks(parts, parts, [&](std::int64_t, std::int64_t part) {
      (*parts_)[part].Multiply(x, samples.size(0), epilogue_, y, size_[0], rooms_[part].data(), UsedIsa());
    });
    return output_;
  }
  std::int64_t bytes() const override {
    std::int64_t sum = 0;
    for (const auto& part : *parts_) sum += part.bytes();
    return sum;
  }
  at::Tensor Weight() const override {
    at::Tensor weight = at::zeros(size_);
    for (const auto& part : *parts_) part.Spread(weight.mutable_data_ptr<float>());
    return weight;
  }
  std::unique_ptr<Form> Again() const override {
    auto again = std::make_unique<FewVectors>(*this);
    again->output_ = at::empty_like(output_);
    return again;
  }

 private:
  std::vector<std::int64_t> size_;  // rows, columns
  at::Tensor bias_;
  Epilogue epilogue_;
  std::shared_ptr<const std::vector<NarrowRows>> parts_;
  std::vector<std::vector<float>> rooms_;  // by part
  at::Tensor output_;
};

PanelRows PanelsOf(const at::Tensor& weight, std::int64_t width) {
  auto panels = PanelRows::Of(weight.const_data_ptr<float>(), nullptr, weight.size(0), weight.size(1),
                              PanelColumns(width), width);
  panels.Shorten();
  return panels;
}

// More of them, side by side.
class ManyVectors : public Form {
 public:
  explicit ManyVectors(const Weighing& weighing)
      : samples_(weighing.input[0]),
        width_(RoundedUp(samples_, kPanelStep)),
        columns_(weighing.product.weight.size(1)),
        weight_(std::make_shared<const PanelRows>(PanelsOf(weighing.product.weight, width_))),
        bias_(weighing.product.bias),
        epilogue_(EpilogueOf(bias_, weighing.clamp)),
        parts_(PartsOf(weighing.product.weight, weighing)) {
    MakeRoom();
  }

  at::Tensor Run(const at::Tensor& input) override {
    sideways_.copy_(input.t());
    const float* x = input_.const_data_ptr<float>();
    float* y = output_.mutable_data_ptr<float>();
    InParts(parts_, [&](std::int64_t first, std::int64_t last) {
      Multiply(*weight_, first, last, x, width_, epilogue_, y, width_, UsedIsa());
    });
    return result_.t().contiguous();
  }
  std::int64_t bytes() const override { return weight_->bytes(); }
  at::Tensor Weight() const override {
    at::Tensor weight = at::zeros({weight_->rows, columns_});
    weight_->Spread(0, weight_->blocks, weight_->value.data(), columns_, width_,
                    weight.mutable_data_ptr<float>());
    return weight;
  }
  std::unique_ptr<Form> Again() const override {
    auto again = std::make_unique<ManyVectors>(*this);
    again->MakeRoom();
    return again;
  }

 private:
  void MakeRoom() {
    input_ = at::zeros({columns_, width_});
    output_ = at::empty({weight_->rows, width_});
    sideways_ = input_.narrow(1, 0, samples_);
    result_ = output_.narrow(1, 0, samples_);
  }

  std::int64_t samples_, width_, columns_;
  std::shared_ptr<const PanelRows> weight_;
  at::Tensor bias_;
  Epilogue epilogue_;
  std::vector<std::int64_t> parts_;
  at::Tensor input_, output_, sideways_, result_;
};

}  // namespace

std::unique_ptr<Form> MakeSparseLinearForm(const Weighing& weighing) {
  const at::Tensor& weight = weighing.product.weight;
  if (weighing.input[0] > NarrowRows::kWidth) {
    // Inputs are named by 32 bits in a block.
    const std::int64_t width = RoundedUp(weighing.input[0], kPanelStep);
    const std::int64_t columns = std::min(PanelColumns(width), weight.size(1));
    if (columns > std::numeric_limits<std::uint32_t>::max() / width) return nullptr;
    return std::make_unique<ManyVectors>(weighing);
  }
  if (weighing.input[0] > 1) return std::make_unique<FewVectors>(weighing);
  if (weight.size(1) > RowSlices::kMostColumns) return nullptr;
  return std::make_unique<OneVector<SlicedRows>>(
      weighing,
      std::make_shared<const SlicedRows>(weight.const_data_ptr<float>(), weight.size(0), weight.size(1)));
}

std::unique_ptr<Form> MakeSharedForm(const Weighing& weighing) {
  const at::Tensor& weight = weighing.product.weight;
  if (!weighing.linear() || weighing.input[0] > 1 || weight.size(1) > RowSlices::kMostColumns) return nullptr;
  std::shared_ptr<const SharedRows> rows =
      SharedRows::Of(weight.const_data_ptr<float>(), weight.size(0), weight.size(1));
  if (!rows) return nullptr;
  return std::make_unique<OneVector<SharedRows>>(weighing, std::move(rows));
}

}  // namespace torch_prune
