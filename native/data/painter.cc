#include "painter.h"

#include <algorithm>
#include <cmath>

namespace torch_prune {
namespace {

// Plans one axis: the taps of the window, over whole inputs of the shrunk image. Returns the position of
// their first input.
std::int64_t Plan(Taps& taps, std::int64_t begin, std::int64_t length, std::int64_t shrink, std::int64_t grid,
                  std::int64_t from, std::int64_t count) {
  const std::int64_t first = begin / shrink;
  const std::int64_t size = (begin + length + shrink - 1) / shrink - first;
  const double low = static_cast<double>(begin) / static_cast<double>(shrink) - static_cast<double>(first);
  const double high = low + static_cast<double>(length) / static_cast<double>(shrink);
  taps.Make(size, low, high, grid, from, count);
  return first;
}

}  // namespace

void Painter::Begin(const Frame& frame, std::int64_t shrink) {
  frame_ = frame;
  shift_x_ =
      Plan(columns_, frame.left, frame.box.width, shrink, frame.grid.width, frame.x, frame.window.width);
  const std::int64_t shift_y =
      Plan(rows_, frame.top, frame.box.height, shrink, frame.grid.height, frame.y, frame.window.height);
  left_ = shift_x_ + columns_.begin();
  right_ = shift_x_ + columns_.end();
  top_ = shift_y + rows_.begin();
  bottom_ = shift_y + rows_.end();
  next_ = 0;
  const auto line = static_cast<std::size_t>(frame.window.width) * 4;
  resized_.resize(static_cast<std::size_t>(bottom_ - top_) * line);
  line_.resize(line);
  sums_.resize(line);
}

void Painter::Row(const std::uint8_t* pixels, std::int64_t column) {
  ResampleRow(columns_, pixels, column - shift_x_, &resized_[next_++ * line_.size()]);
}

void Painter::Row3(const std::uint8_t* pixels, std::int64_t column) {
  wide_.resize(static_cast<std::size_t>(right_ - left_) * 4);
  pixels += (left_ - column) * 3;
  for (std::int64_t x = 0; x < right_ - left_; ++x, pixels += 3) {
    wide_[4 * x] = pixels[0];
    wide_[4 * x + 1] = pixels[1];
    wide_[4 * x + 2] = pixels[2];
  }
  Row(wide_.data(), left_);
}

const std::uint8_t* Painter::Line(std::int64_t y) {
  ResampleColumns(rows_, y, resized_.data(), static_cast<std::int64_t>(line_.size()), sums_.data(),
                  line_.data());
  return line_.data();
}

void Painter::FinishBytes(std::uint8_t* out) {
  const auto [width, height] = frame_.window;
  for (std::int64_t y = 0; y < height; ++y) {
    const std::uint8_t* pixels = Line(y);
    for (std::int64_t x = 0; x < width; ++x, pixels += 4, out += 3) std::copy(pixels, pixels + 3, out);
  }
}

}  // namespace torch_prune
