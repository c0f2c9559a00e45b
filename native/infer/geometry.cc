#include "geometry.h"

#include <ATen/core/Tensor.h>

#include <algorithm>
#include <cstring>

#include "../ops/parts.h"

namespace torch_prune {
namespace {

// What a block of channels may take for one tile of an image: half of a core's first cache, or more.
constexpr std::int64_t kBlockBytes = 24 << 10;
constexpr std::int64_t kFewestChannels = 8;
constexpr std::int64_t kLine = 16;  // floats in a line of a cache

}  // namespace

Geometry::Geometry(const Weighing& weighing) : window(*weighing.product.window) {
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
  // Channels at distances of powers of two would share the same few places of a cache.
  if (per_channel % (4 * kLine) == 0) per_channel += kLine;
  length = (out_height - 1) * row + out_width;
  stride = RoundedUp(length, kPanelStep);
}

std::int64_t Geometry::Place(std::int64_t y, std::int64_t x) const {
  y *= window.dilation[0], x *= window.dilation[1];
  const auto [sy, sx] = window.stride;
  return ((y % sy) * sx + x % sx) * plane + y / sy * row + x / sx;
}

std::int64_t Geometry::Block() const {
  const std::int64_t reach = Place(kernel[0] - 1, kernel[1] - 1) % plane;
  const std::int64_t rows_seen = kernel[0] * (kTile + reach % row);
  const std::int64_t seen = std::min({kTile + reach, rows_seen, plane}) * window.stride[0] * window.stride[1];
  const std::int64_t fit = kBlockBytes / static_cast<std::int64_t>(seen * sizeof(float));
  return std::min(std::max(fit, kFewestChannels), channels);
}

void Geometry::Lay(const float* image, bool channels_last, std::int64_t first, std::int64_t last,
                   float* planes) const {
  const auto [sy, sx] = window.stride;
  // Where a row of a channel goes, and in it a pixel.
  const auto line_of = [&, sy = sy, sx = sx](std::int64_t channel, std::int64_t line) {
    const std::int64_t y = line + window.padding[0];
    return planes + channel * per_channel + (y % sy) * sx * plane + y / sy * row;
  };
  const auto place_of = [this, sx = sx](std::int64_t column) {
    const std::int64_t x = column + window.padding[1];
    return sx == 1 ? x : (x % sx) * plane + x / sx;
  };
  if (!channels_last) {
    for (std::int64_t channel = first; channel < last; channel++) {
      for (std::int64_t line = 0; line < height; line++) {
        const float* from = image + (channel * height + line) * width;
        float* to = line_of(channel, line);
        if (sx == 1) {
          std::memcpy(to + window.padding[1], from, width * sizeof(float));
        } else {
          for (std::int64_t column = 0; column < width; column++) to[place_of(column)] = from[column];
        }
      }
    }
    return;
  }
  // In squares of kLine pixels and channels, which stay in a cache however many channels a pixel has.
  for (std::int64_t line = 0; line < height; line++) {
    for (std::int64_t channel = first; channel < last; channel += kLine) {
      for (std::int64_t column = 0; column < width; column += kLine) {
        for (std::int64_t c = channel; c < std::min(channel + kLine, last); c++) {
          const float* from = image + line * width * channels + c;
          float* to = line_of(c, line);
          for (std::int64_t x = column; x < std::min(column + kLine, width); x++)
            to[place_of(x)] = from[x * channels];
        }
      }
    }
  }
}

void Geometry::Take(const float* sums, std::int64_t first, std::int64_t last, float* output) const {
  for (std::int64_t line = first * out_height; line < last * out_height; line++) {
    const float* from = sums + line / out_height * stride + line % out_height * row;
    std::memcpy(output + line * out_width, from, out_width * sizeof(float));
  }
}

}  // namespace torch_prune
