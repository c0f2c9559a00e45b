#include <ATen/ATen.h>

#include <algorithm>
#include <memory>
#include <utility>
#include <variant>
#include <vector>

#include "../kernels/panel_rows.h"
#include "../kernels/pattern_rows.h"
#include "../ops/parts.h"
#include "form.h"
#include "geometry.h"

namespace torch_prune {
namespace {

// A product of fewer numbers is finished before a second thread has started.
constexpr std::int64_t kFewestProducts = 1 << 18;
// So many that no thread waits long for another one's last.
constexpr std::int64_t kPartsOfThread = 4;

// Calls visit(place in the weight, offset from the block's base) for every weight, in the order of
// PanelRows, those of a row by their offsets, and begin(first channel of the block, output) before them.
template <typename Begin, typename Visit>
void ForWeights(const Geometry& geometry, std::int64_t in_group, const Begin& begin, const Visit& visit) {
  const std::int64_t block = geometry.Block();
  const std::int64_t out_group = geometry.outputs / geometry.window.groups;
  const std::int64_t taps = geometry.kernel[0] * geometry.kernel[1];
  std::vector<std::pair<std::int64_t, std::int64_t>> places;  // and the tap there
  for (std::int64_t tap = 0; tap < taps; tap++)
    places.emplace_back(geometry.Place(tap / geometry.kernel[1], tap % geometry.kernel[1]), tap);
  std::sort(places.begin(), places.end());
  for (std::int64_t first = 0; first < geometry.channels; first += block) {
    for (std::int64_t output = 0; output < geometry.outputs; output++) {
      begin(first, output);
      const std::int64_t group = output / out_group * in_group;  // its first channel
      const std::int64_t from = std::max(first, group);
      const std::int64_t to = std::min({first + block, geometry.channels, group + in_group});
      for (std::int64_t channel = from; channel < to; channel++) {
        for (const auto& [place, tap] : places) {
          visit((output * in_group + channel - group) * taps + tap,
                static_cast<std::uint32_t>((channel - first) * geometry.per_channel + place));
        }
      }
    }
  }
}

PanelRows PanelsOf(const at::Tensor& weight, const Geometry& geometry) {
  const float* values = weight.const_data_ptr<float>();
  PanelRows panels;
  panels.rows = geometry.outputs;
  const auto count = [&panels] { return static_cast<std::int64_t>(panels.value.size()); };
  ForWeights(
      geometry, weight.size(1),
      [&](std::int64_t first, std::int64_t output) {
        if (output == 0) {
          if (panels.blocks++ > 0) panels.begins.push_back(count());
          panels.base.push_back(first * geometry.per_channel);
        }
        panels.begins.push_back(count());
      },
      [&](std::int64_t at, std::uint32_t offset) {
        if (values[at] == 0) return;
        panels.offset.push_back(offset);
        panels.value.push_back(values[at]);
      });
  panels.begins.push_back(count());
  return panels;
}

// The kept weights, in whichever order is faster.
using Kept = std::variant<PanelRows, PatternRows>;

Kept KeptOf(const at::Tensor& weight, const Geometry& geometry) {
  PanelRows panels = PanelsOf(weight, geometry);
  const double density = static_cast<double>(panels.value.size()) / static_cast<double>(weight.numel());
  // Rows of different groups have no input in common.
  if (geometry.window.groups > 1 || !PatternRows::Pays(density, UsedIsa())) return panels;
  return PatternRows(panels);
}

class SparseConvolution : public Form {
 public:
  explicit SparseConvolution(const Weighing& weighing)
      : geometry_(weighing),
        weight_(std::make_shared<const Kept>(KeptOf(weighing.product.weight, geometry_))),
        bias_(weighing.product.bias),
        epilogue_(EpilogueOf(bias_, weighing.clamp)) {
    MakeRoom();
    std::visit(
        [&](const auto& weight) {
          const auto kept = static_cast<std::int64_t>(weight.value.size());
          const bool few = kept * geometry_.length < kFewestProducts;
          const std::int64_t parts = few || weighing.threads == 1 ? 1 : kPartsOfThread * weighing.threads;
          row_parts_ = weight.Parts(parts);
          channel_parts_ = Even(geometry_.channels, parts);
          output_parts_ = Even(geometry_.outputs, parts);
          const std::int64_t tiles = (geometry_.length + Geometry::kTile - 1) / Geometry::kTile;
          // A thread that has tiles of its own sees a part of the image only.
          by_tiles_ = tiles >= std::max(parts, kPartsOfThread);
          tile_parts_ = Even(tiles, parts);
        },
        *weight_);
  }

  at::Tensor Run(const at::Tensor& input) override {
    const auto& g = geometry_;
    // Some layers put the channels of a pixel side by side.
    const bool channels_last = g.channels > 1 && input.is_contiguous(at::MemoryFormat::ChannelsLast);
    const at::Tensor images = channels_last ? input : input.contiguous();
    const float* x = images.const_data_ptr<float>();
    float* planes = planes_.mutable_data_ptr<float>();
    const float* sums = sums_.const_data_ptr<float>();
    float* y = output_.mutable_data_ptr<float>();
    for (std::int64_t sample = 0; sample < g.samples; sample++) {
      const float* image = x + sample * g.channels * g.height * g.width;
      InParts(channel_parts_, [&](std::int64_t first, std::int64_t last) {
        g.Lay(image, channels_last, first, last, planes);
      });
      Sum();
      float* output = y + sample * g.outputs * g.out_height * g.out_width;
      InParts(output_parts_,
              [&](std::int64_t first, std::int64_t last) { g.Take(sums, first, last, output); });
    }
    return output_;
  }
  std::int64_t bytes() const override {
    return std::visit([](const auto& weight) { return weight.bytes(); }, *weight_);
  }
  at::Tensor Weight() const override {
    const auto* patterns = std::get_if<PatternRows>(weight_.get());
    const PanelRows rows = patterns != nullptr ? patterns->Apart() : std::get<PanelRows>(*weight_);
    const auto& g = geometry_;
    const std::int64_t in_group = g.channels / g.window.groups;
    at::Tensor weight = at::zeros({g.outputs, in_group, g.kernel[0], g.kernel[1]});
    float* to = weight.mutable_data_ptr<float>();
    std::size_t next = 0, end = 0, row = 0;
    ForWeights(
        g, in_group,
        [&](std::int64_t first, std::int64_t output) {
          row = first / g.Block() * (g.outputs + 1) + output;
          next = rows.begins[row], end = rows.begins[row + 1];
        },
        [&](std::int64_t at, std::uint32_t offset) {
          if (next < end && rows.offset[next] == offset) to[at] = rows.value[next++];
        });
    return weight;
  }
  std::unique_ptr<Form> Again() const override {
    auto again = std::make_unique<SparseConvolution>(*this);
    again->MakeRoom();
    return again;
  }

 private:
  void MakeRoom() {
    const auto& g = geometry_;
    // The padding stays zero. The kernel reads a step further than an image goes.
    planes_ = at::zeros({g.channels * g.per_channel + Geometry::kTile});
    sums_ = at::empty({RoundedUp(g.outputs, PatternRows::kRows) * g.stride});
    output_ = at::empty({g.samples, g.outputs, g.out_height, g.out_width});
  }

  static std::vector<std::int64_t> Even(std::int64_t count, std::int64_t parts) {
    std::vector<std::int64_t> cuts;
    for (std::int64_t part = 0; part <= parts; part++) cuts.push_back(count * part / parts);
    return cuts;
  }

  void Sum() {
    const auto& g = geometry_;
    const float* x = planes_.const_data_ptr<float>();
    float* y = sums_.mutable_data_ptr<float>();
    std::visit(
        [&](const auto& weight) {
          if (!by_tiles_) {
            InParts(row_parts_, [&](std::int64_t first, std::int64_t last) {
              Multiply(weight, first, last, x, g.length, epilogue_, y, g.stride, UsedIsa());
            });
            return;
          }
          InParts(tile_parts_, [&](std::int64_t first, std::int64_t last) {
            const std::int64_t at = first * Geometry::kTile, end = std::min(last * Geometry::kTile, g.length);
            if (at >= end) return;
            Multiply(weight, 0, row_parts_.back(), x + at, end - at, epilogue_, y + at, g.stride, UsedIsa());
          });
        },
        *weight_);
  }

  Geometry geometry_;
  std::shared_ptr<const Kept> weight_;
  at::Tensor bias_;
  Epilogue epilogue_;
  at::Tensor planes_, sums_, output_;
  std::vector<std::int64_t> row_parts_, channel_parts_, output_parts_, tile_parts_;
  bool by_tiles_ = false;
};

}  // namespace

std::unique_ptr<Form> MakeSparseConvolutionForm(const Weighing& weighing) {
  const Geometry geometry(weighing);
  if (geometry.per_channel * geometry.channels >= std::int64_t{1} << 32) return nullptr;
  return std::make_unique<SparseConvolution>(weighing);
}

}  // namespace torch_prune
