#include "strips.h"

#include <ATen/Parallel.h>
#include <ATen/core/Tensor.h>
#include <unistd.h>

#include <algorithm>
#include <tuple>

namespace torch_prune {
namespace {

// What the lines of a block may take: three quarters of a core's first cache. Older systems ask the
// processor, which takes long.
std::int64_t BlockBytes() {
  constexpr long kLeast = 32 << 10;
#if defined(_SC_LEVEL1_DCACHE_SIZE)
  return std::max(sysconf(_SC_LEVEL1_DCACHE_SIZE), kLeast) * 3 / 4;
#else
  return kLeast * 3 / 4;
#endif
}

// Beside its lines, a strip costs about as much as so many more.
constexpr std::int64_t kLinesPerStrip = 3;

std::int64_t OutputsAlong(const Weighing& weighing, int axis) {
  const Window& window = *weighing.product.window;
  const std::int64_t reach = window.dilation[axis] * (weighing.product.weight.size(2 + axis) - 1);
  return (weighing.input[2 + axis] + 2 * window.padding[axis] - reach - 1) / window.stride[axis] + 1;
}

}  // namespace

Strips::Strips(const Weighing& weighing, Isa isa)
    : samples(weighing.input[0]),
      channels(weighing.input[1]),
      height(weighing.input[2]),
      width(weighing.input[3]),
      outputs(weighing.product.weight.size(0)),
      out_height(OutputsAlong(weighing, 0)),
      out_width(OutputsAlong(weighing, 1)),
      kernel{weighing.product.weight.size(2), weighing.product.weight.size(3)},
      window(*weighing.product.window),
      shape(ShapeOf(isa)) {
  const auto strips_of = [this](std::int64_t tall) {
    return at::divup(samples * at::divup(out_height, tall) * out_width, shape.lanes);
  };
  const auto cost = [&](std::int64_t tall) { return strips_of(tall) * (tall + kLinesPerStrip); };
  tall = 1;
  for (std::int64_t taller = 2; taller <= std::min(shape.tallest, out_height); taller++) {
    if (cost(taller) <= cost(tall)) tall = taller;
  }
  runs = at::divup(out_height, tall);
  count = strips_of(tall);
  for (std::int64_t y = 0; y < kernel[0]; y++) {
    for (std::int64_t line = 0; line < tall; line++)
      rows_.push_back(line * window.stride[0] + y * window.dilation[0]);
  }
  // A weight's lines stand one after another.
  const auto place = [this](std::int64_t row) {
    return std::tuple(row % window.stride[0], row / window.stride[0]);
  };
  std::sort(rows_.begin(), rows_.end(), [&](std::int64_t a, std::int64_t b) { return place(a) < place(b); });
  rows_.erase(std::unique(rows_.begin(), rows_.end()), rows_.end());
  lines = kernel[1] * static_cast<std::int64_t>(rows_.size());
  const std::int64_t fit = BlockBytes() / static_cast<std::int64_t>(lines * shape.lanes * sizeof(float));
  block = std::clamp<std::int64_t>(fit, 1, channels);
}

std::int64_t Strips::Line(std::int64_t y, std::int64_t x) const {
  const auto row = std::find(rows_.begin(), rows_.end(), y * window.dilation[0]);
  return x * static_cast<std::int64_t>(rows_.size()) + (row - rows_.begin());
}

std::vector<Strips::Piece> Strips::Pieces(std::int64_t strip) const {
  std::vector<Piece> pieces;
  const std::int64_t first = strip * shape.lanes;
  const std::int64_t end = std::min(first + shape.lanes, samples * runs * out_width);
  for (std::int64_t at = first; at < end; at += pieces.back().count) {
    const std::int64_t run = at / out_width, x = at % out_width;
    pieces.push_back({at - first, std::min(out_width - x, end - at), run / runs, run % runs * tall, x});
  }
  return pieces;
}

void Strips::Moves(std::int64_t strip, LineMoves& moves) const {
  moves.moves.clear();
  moves.step = window.stride[1];
  const std::vector<Piece> pieces = Pieces(strip);
  std::int64_t line = 0;
  const auto add = [&](std::int64_t from, std::int64_t lane, std::int64_t count) {
    if (count == 0) return;
    moves.moves.push_back(
        {from, static_cast<std::uint32_t>(line * shape.lanes + lane), static_cast<std::uint32_t>(count)});
  };
  for (std::int64_t column = 0; column < kernel[1]; column++) {
    for (const std::int64_t row : rows_) {
      for (const Piece& piece : pieces) {
        const std::int64_t y = piece.y * window.stride[0] - window.padding[0] + row;
        const std::int64_t x = piece.x * window.stride[1] - window.padding[1] + column * window.dilation[1];
        // Of the piece's lanes, those from `left` up to `right` lie in the image.
        const auto lanes_up_to = [&](std::int64_t end) {
          const std::int64_t lanes = end <= x ? 0 : (end - x - 1) / window.stride[1] + 1;
          return std::min(lanes, piece.count);
        };
        const bool inside = y >= 0 && y < height;
        const std::int64_t left = inside ? lanes_up_to(0) : piece.count;
        const std::int64_t right = inside ? lanes_up_to(width) : piece.count;
        const std::int64_t image = piece.sample * channels * height;
        add(LineMoves::kZeros, piece.lane, left);
        add((image + y) * width + x + left * window.stride[1], piece.lane + left, right - left);
        add(LineMoves::kZeros, piece.lane + right, piece.count - right);
      }
      line++;
    }
  }
}

void Strips::Take(std::int64_t first, std::int64_t last, std::int64_t row, std::int64_t end_row,
                  const float* sums, std::int64_t per_strip, float* output) const {
  struct From {
    const float* sums;
    Piece piece;
  };
  std::vector<From> pieces;
  for (std::int64_t strip = first; strip < last; strip++) {
    for (const Piece& piece : Pieces(strip))
      pieces.push_back({sums + (strip - first) * per_strip + piece.lane, piece});
  }
  // Pieces of the same line, side by side, are written one after another.
  for (std::int64_t of = row; of < end_row; of++) {
    for (std::int64_t line = 0; line < tall; line++) {
      const std::int64_t from = ((of - row) * tall + line) * shape.lanes;
      for (const auto& [sums, piece] : pieces) {
        const std::int64_t y = piece.y + line;
        if (y >= out_height) continue;
        const std::int64_t image = piece.sample * outputs + of;
        float* to = output + (image * out_height + y) * out_width + piece.x;
        std::copy_n(sums + from, piece.count, to);
      }
    }
  }
}

}  // namespace torch_prune
