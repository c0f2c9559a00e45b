#include <ATen/ATen.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <memory>
#include <utility>
#include <variant>
#include <vector>

#include "../kernels/panel_rows.h"
#include "../kernels/pattern_rows.h"
#include "../ops/parts.h"
#include "form.h"

namespace torch_prune {
namespace {

// A product of fewer numbers is finished before a second thread has started.
constexpr std::int64_t kFewestProducts = 1 << 18;
// What a block of channels may take for one tile of an image: most of a core's first cache.
constexpr std::int64_t kBlockBytes = 32 << 10;
constexpr std::int64_t kFewestChannels = 8;
constexpr std::int64_t kTile = 8 * kPanelStep;  // what the kernel goes through at a time

// Where things lie. An image is padded and taken apart into stride × stride planes, so that the inputs of all
// outputs of a row of the image lie side by side for each weight; outputs have the rows of those planes, with
// a few numbers at the end of each that mean nothing.
struct Geometry {
  std::int64_t samples, channels, height, width;  // of the input
  std::int64_t outputs, out_height, out_width;
  std::array<std::int64_t, 2> kernel;
  Window window;
  std::int64_t rows, row;    // of a plane: how many, and how long
  std::int64_t plane;        // rows * row
  std::int64_t per_channel;  // all planes of a channel
  std::int64_t length;       // of an output, up to its last number
  std::int64_t stride;       // between outputs

  explicit Geometry(const Weighing& weighing) : window(*weighing.product.window) {
    const auto& input = weighing.input;
    const at::Tensor& weight = weighing.product.weight;
    samples = input[0], channels = input[1], height = input[2], width = input[3];
    outputs = weight.size(0);
    kernel = {weight.size(2), weight.size(3)};
    const auto outputs_along = [&](std::int64_t size, int axis) {
      return (size + 2 * window.padding[axis] - window.dilation[axis] * (kernel[axis] - 1) - 1) /
                 window.stride[axis] +
             1;
    };
    out_height = outputs_along(height, 0), out_width = outputs_along(width, 1);
    rows = RoundedUp(height + 2 * window.padding[0], window.stride[0]) / window.stride[0];
    row = RoundedUp(width + 2 * window.padding[1], window.stride[1]) / window.stride[1];
    plane = rows * row;
    per_channel = plane * window.stride[0] * window.stride[1];
    length = (out_height - 1) * row + out_width;
    stride = RoundedUp(length, kPanelStep);
  }

  // Where the inputs of a weight begin in the planes of its channel.
  std::int64_t Place(std::int64_t y, std::int64_t x) const {
    y *= window.dilation[0], x *= window.dilation[1];
    const auto [sy, sx] = window.stride;
    return ((y % sy) * sx + x % sx) * plane + y / sy * row + x / sx;
  }

  // How many channels a block has.
  std::int64_t Block() const {
    const std::int64_t reach = Place(kernel[0] - 1, kernel[1] - 1) % plane;
    const std::int64_t rows_seen = kernel[0] * (kTile + reach % row);
    const std::int64_t seen =
        std::min({kTile + reach, rows_seen, plane}) * window.stride[0] * window.stride[1];
    const std::int64_t fit = kBlockBytes / static_cast<std::int64_t>(seen * sizeof(float));
    return std::min(std::max(fit, kFewestChannels), channels);
  }
};

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
  const auto kept = static_cast<double>(panels.value.size());
  // Rows of different groups have no input in common.
  if (geometry.window.groups > 1 || kept < PatternRows::kLeastDensity * static_cast<double>(weight.numel()))
    return panels;
  return PatternRows(panels);
}

class SparseConvolution : public Form {
 public:
  explicit SparseConvolution(const Weighing& weighing)
      : geometry_(weighing),
        threads_(weighing.threads),
        weight_(std::make_shared<const Kept>(KeptOf(weighing.product.weight, geometry_))),
        bias_(weighing.product.bias),
        epilogue_(EpilogueOf(bias_, weighing.clamp)) {
    MakeRoom();
    std::visit(
        [this](const auto& weight) {
          const auto kept = static_cast<std::int64_t>(weight.value.size());
          if (kept * geometry_.length < kFewestProducts) threads_ = 1;
          all_rows_ = weight.Parts(1);
          row_parts_ = weight.Parts(threads_);
        },
        *weight_);
    channel_parts_ = Even(geometry_.channels, threads_);
    output_parts_ = Even(geometry_.outputs, threads_);
    const std::int64_t tiles = (geometry_.length + kTile - 1) / kTile;
    // A thread that has tiles of its own sees a part of the image only.
    by_tiles_ = tiles >= 4 * threads_;
    tile_parts_ = Even(tiles, threads_);
  }

  at::Tensor Run(const at::Tensor& input) override {
    const at::Tensor images = input.contiguous();
    const float* x = images.const_data_ptr<float>();
    float* y = output_.mutable_data_ptr<float>();
    const auto& g = geometry_;
    for (std::int64_t sample = 0; sample < g.samples; sample++) {
      Lay(x + sample * g.channels * g.height * g.width);
      Sum();
      Take(y + sample * g.outputs * g.out_height * g.out_width);
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
    planes_ = at::zeros({g.channels * g.per_channel + kTile});
    sums_ = at::empty({RoundedUp(g.outputs, PatternRows::kRows) * g.stride});
    output_ = at::empty({g.samples, g.outputs, g.out_height, g.out_width});
  }

  static std::vector<std::int64_t> Even(std::int64_t count, std::int64_t parts) {
    std::vector<std::int64_t> cuts;
    for (std::int64_t part = 0; part <= parts; part++) cuts.push_back(count * part / parts);
    return cuts;
  }

  // Puts an image into its planes.
  void Lay(const float* image) {
    const auto& g = geometry_;
    const auto [sy, sx] = g.window.stride;
    float* planes = planes_.mutable_data_ptr<float>();
    InParts(channel_parts_, [&](std::int64_t first, std::int64_t last) {
      for (std::int64_t channel = first; channel < last; channel++) {
        for (std::int64_t row = 0; row < g.height; row++) {
          const float* from = image + (channel * g.height + row) * g.width;
          const std::int64_t y = row + g.window.padding[0];
          float* to = planes + channel * g.per_channel + (y % sy) * sx * g.plane + y / sy * g.row;
          if (sx == 1) {
            std::memcpy(to + g.window.padding[1], from, g.width * sizeof(float));
            continue;
          }
          for (std::int64_t column = 0; column < g.width; column++) {
            const std::int64_t x = column + g.window.padding[1];
            to[(x % sx) * g.plane + x / sx] = from[column];
          }
        }
      }
    });
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
            const std::int64_t at = first * kTile, end = std::min(last * kTile, g.length);
            if (at >= end) return;
            Multiply(weight, all_rows_[0], all_rows_[1], x + at, end - at, epilogue_, y + at, g.stride,
                     UsedIsa());
          });
        },
        *weight_);
  }

  // Takes the outputs that mean something.
  void Take(float* output) {
    const auto& g = geometry_;
    const float* sums = sums_.const_data_ptr<float>();
    InParts(output_parts_, [&](std::int64_t first, std::int64_t last) {
      for (std::int64_t row = first * g.out_height; row < last * g.out_height; row++) {
        const float* from = sums + row / g.out_height * g.stride + row % g.out_height * g.row;
        std::memcpy(output + row * g.out_width, from, g.out_width * sizeof(float));
      }
    });
  }

  Geometry geometry_;
  int threads_;
  std::shared_ptr<const Kept> weight_;
  at::Tensor bias_;
  Epilogue epilogue_;
  at::Tensor planes_, sums_, output_;
  std::vector<std::int64_t> all_rows_, row_parts_, channel_parts_, output_parts_, tile_parts_;
  bool by_tiles_ = false;
};

}  // namespace

std::unique_ptr<Form> MakeSparseConvolutionForm(const Weighing& weighing) {
  const Geometry geometry(weighing);
  if (geometry.per_channel * geometry.channels >= std::int64_t{1} << 32) return nullptr;
  return std::make_unique<SparseConvolution>(weighing);
}

}  // namespace torch_prune
