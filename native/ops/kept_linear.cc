#include "kept_linear.h"

#include <ATen/ATen.h>
#include <ATen/Parallel.h>
#include <torch/csrc/autograd/custom_function.h>

#include <algorithm>
#include <limits>

#include "../kernels/panel_gradients.h"
#include "parts.h"

namespace torch_prune {
namespace {

// Larger batches are computed in pieces, or the inputs of a block would not stay in a cache.
constexpr std::int64_t kMostSamples = 64;

std::int64_t WidthFor(std::int64_t batch) {
  if (batch <= 8) return 8;
  return std::min(RoundedUp(batch, kPanelStep), kMostSamples);
}

bool IsMatrix(const at::Tensor& tensor, at::ScalarType type) {
  return tensor.is_cpu() && tensor.scalar_type() == type && tensor.dim() == 2 && tensor.is_contiguous();
}

// Each thread has some blocks to itself.
PanelRows PanelsOf(const at::Tensor& weight, const at::Tensor& keep, std::int64_t width) {
  const std::int64_t columns = weight.size(1);
  const std::int64_t shared = (columns + at::get_num_threads() - 1) / at::get_num_threads();
  return PanelRows::Of(weight.const_data_ptr<float>(), keep.const_data_ptr<bool>(), weight.size(0), columns,
                       std::min(PanelColumns(width), shared), width);
}

// Memory that is only reserved anew where there is not enough of it: what is freed goes back to the system,
// which hands it out again page by page.
void Need(at::Tensor& memory, at::IntArrayRef sizes) {
  if (!memory.defined() || memory.sizes() != sizes) memory = at::empty(sizes);
}

}  // namespace

bool KeptLinear::Fits(const at::Tensor& weight, const at::Tensor& keep) {
  // A block's offsets are 32 bits wide.
  return IsMatrix(weight, at::kFloat) && keep.defined() && IsMatrix(keep, at::kBool) &&
         weight.size(1) <= std::numeric_limits<std::uint32_t>::max() / kMostSamples;
}

KeptLinear::KeptLinear(const at::Tensor& weight, const at::Tensor& keep, std::int64_t batch)
    : keep_(keep),
      inputs_(weight.size(1)),
      width_(WidthFor(batch)),
      weight_(PanelsOf(weight, keep, width_)),
      values_(at::from_blob(weight_.value.data(), {static_cast<std::int64_t>(weight_.value.size())})
                  .set_requires_grad(true)),
      gradient_(at::empty_like(values_, values_.options().requires_grad(false))) {}

void KeptLinear::Gather(const at::Tensor& dense, const at::Tensor& kept) const {
  const float* from = dense.const_data_ptr<float>();
  float* to = kept.mutable_data_ptr<float>();
  at::parallel_for(0, weight_.blocks, 1, [&](std::int64_t first, std::int64_t last) {
    weight_.Gather(first, last, from, inputs_, width_, to);
  });
}

void KeptLinear::Spread(const at::Tensor& kept, const at::Tensor& dense) const {
  const float* from = kept.const_data_ptr<float>();
  float* to = dense.mutable_data_ptr<float>();
  at::parallel_for(0, weight_.blocks, 1, [&](std::int64_t first, std::int64_t last) {
    weight_.Spread(first, last, from, inputs_, width_, to);
  });
}

void KeptLinear::ToPanels(const at::Tensor& samples, at::Tensor& panels) const {
  const std::int64_t count = samples.size(0), features = samples.size(1);
  const std::int64_t pieces = (count + width_ - 1) / width_;
  Need(panels, {pieces, features, width_});
  for (std::int64_t piece = 0; piece < pieces; piece++) {
    const std::int64_t first = piece * width_, here = std::min(width_, count - first);
    const at::Tensor panel = panels.select(0, piece);
    panel.narrow(1, 0, here).copy_(samples.narrow(0, first, here).t());
    if (here < width_) panel.narrow(1, here, width_ - here).zero_();
  }
}

at::Tensor KeptLinear::FromPanels(const at::Tensor& panels, std::int64_t samples) const {
  const at::Tensor all = at::empty({samples, panels.size(1)});
  for (std::int64_t first = 0; first < samples; first += width_) {
    const std::int64_t here = std::min(width_, samples - first);
    all.narrow(0, first, here).copy_(panels.select(0, first / width_).narrow(1, 0, here).t());
  }
  return all;
}

at::Tensor KeptLinear::Multiply(const at::Tensor& input, const at::Tensor& bias) {
  ToPanels(input, x_);
  const std::int64_t pieces = x_.size(0);
  Need(y_, {pieces, weight_.rows, width_});
  const Epilogue epilogue{bias.defined() ? bias.const_data_ptr<float>() : nullptr};
  const int threads = values_.numel() * width_ < kFewestWeights ? 1 : at::get_num_threads();
  if (static_cast<int>(parts_.size()) != threads + 1) parts_ = weight_.Parts(threads);
  const float* x = x_.const_data_ptr<float>();
  float* y = y_.mutable_data_ptr<float>();
  InParts(parts_, [&](std::int64_t first, std::int64_t last) {
    for (std::int64_t piece = 0; piece < pieces; piece++) {
      torch_prune::Multiply(weight_, first, last, x + piece * inputs_ * width_, width_, epilogue,
                            y + piece * weight_.rows * width_, width_, UsedIsa());
    }
  });
  return FromPanels(y_, input.size(0));
}

at::Tensor KeptLinear::Differentiate(const at::Tensor& gradient, bool of_input) {
  ToPanels(gradient, of_y_);
  const std::int64_t pieces = of_y_.size(0);
  if (of_input) Need(of_x_, x_.sizes());
  const bool adds = values_.grad().defined();
  if (!adds) values_.mutable_grad() = gradient_;
  float* of_value = values_.grad().mutable_data_ptr<float>();
  const float *x = x_.const_data_ptr<float>(), *of_y = of_y_.const_data_ptr<float>();
  float* of_x = of_input ? of_x_.mutable_data_ptr<float>() : nullptr;
  const std::int64_t panel = inputs_ * width_;
  at::parallel_for(0, weight_.blocks, 1, [&](std::int64_t first, std::int64_t last) {
    const std::int64_t from = weight_.base[first], to = last < weight_.blocks ? weight_.base[last] : panel;
    for (std::int64_t piece = 0; piece < pieces; piece++) {
      float* here = of_x != nullptr ? of_x + piece * panel : nullptr;
      if (here != nullptr) std::fill(here + from, here + to, 0.0f);
      AddGradients(weight_, first, last,
                   {.x = x + piece * panel,
                    .gradient = of_y + piece * weight_.rows * width_,
                    .width = width_,
                    .adds = adds || piece > 0,
                    .of_value = of_value,
                    .of_x = here},
                   UsedIsa());
    }
  });
  return of_input ? FromPanels(of_x_, gradient.size(0)) : at::Tensor();
}

struct KeptLinear::Product : torch::autograd::Function<Product> {
  static at::Tensor forward(torch::autograd::AutogradContext* context, const at::Tensor& input,
                            const at::Tensor&, const std::optional<at::Tensor>& bias,
                            const c10::intrusive_ptr<KeptLinear>& layer) {
    context->saved_data["layer"] =
        c10::IValue::make_capsule(c10::static_intrusive_pointer_cast<torch::CustomClassHolder>(layer));
    context->saved_data["bias"] = bias.has_value();
    return layer->Multiply(input, bias.value_or(at::Tensor()));
  }

  static torch::autograd::variable_list backward(torch::autograd::AutogradContext* context,
                                                 torch::autograd::variable_list gradients) {
    const auto layer =
        c10::static_intrusive_pointer_cast<KeptLinear>(context->saved_data["layer"].toCapsule());
    const at::Tensor of_input = layer->Differentiate(gradients[0], context->needs_input_grad(0));
    at::Tensor of_bias;
    if (context->saved_data["bias"].toBool() && context->needs_input_grad(2)) of_bias = gradients[0].sum(0);
    // That of the values is where it belongs.
    return {of_input, at::Tensor(), of_bias, at::Tensor()};
  }
};

at::Tensor KeptLinear::Forward(const c10::intrusive_ptr<KeptLinear>& layer, const at::Tensor& input,
                               const at::Tensor& bias) {
  const at::Tensor samples = input.reshape({-1, layer->inputs_});
  const at::Tensor output =
      Product::apply(samples, layer->values_, bias.defined() ? std::optional(bias) : std::nullopt, layer);
  if (input.dim() == 2) return output;
  auto sizes = input.sizes().vec();
  sizes.back() = layer->weight_.rows;
  return output.view(sizes);
}

}  // namespace torch_prune
