#pragma once
#include <cstdint>
#include <vector>

#include "frame.h"
#include "normalize.h"
#include "resample.h"

namespace torch_prune {

// Writes one row of pixels of `Step` bytes as three planes that are `plane` elements apart, from left to
// right or mirrored. `channels` says what becomes of a byte: a Normalization or AsBytes.
template <int Step, typename Channels, typename Out>
inline void WriteRow(const std::uint8_t* pixels, std::int64_t width, const Channels& channels, bool flip,
                     std::int64_t plane, Out* out) {
  const auto red = channels.channel(0), green = channels.channel(1), blue = channels.channel(2);
  const std::int64_t step = flip ? -1 : 1;
  if (flip) out += width - 1;
  for (std::int64_t x = 0; x < width; ++x, pixels += Step, out += step) {
    out[0] = red[pixels[0]];
    out[plane] = green[pixels[1]];
    out[2 * plane] = blue[pixels[2]];
  }
}

// Makes a frame from an image's rows, which are delivered from top to bottom. There is one per thread, with
// its buffers.
class Painter {
 public:
  // Starts a frame. The image is delivered downscaled by `shrink`, whereas `frame` is in full-size pixels.
  void Begin(const Frame& frame, std::int64_t shrink = 1);

  // The part of the (shrunk) image that is needed.
  std::int64_t left() const { return left_; }
  std::int64_t right() const { return right_; }
  std::int64_t top() const { return top_; }
  std::int64_t bottom() const { return bottom_; }

  // Adds the next row, starting with top(). Its pixels have four bytes, and `pixels` begins at column
  // `column` of the image.
  void Row(const std::uint8_t* pixels, std::int64_t column);
  // Like Row, with pixels of three bytes.
  void Row3(const std::uint8_t* pixels, std::int64_t column);

  // Writes the window as [3, height, width]: normalized float32, or bytes.
  template <typename Channels, typename Out>
  void Finish(const Channels& channels, bool flip, Out* out) {
    const auto [width, height] = frame_.window;
    for (std::int64_t y = 0; y < height; ++y)
      WriteRow<4>(Line(y), width, channels, flip, width * height, out + y * width);
  }
  // Writes the window as interleaved bytes, [height, width, 3].
  void FinishBytes(std::uint8_t* out);

 private:
  // A row of the window, with four bytes per pixel.
  const std::uint8_t* Line(std::int64_t y);

  Frame frame_;
  Taps columns_, rows_;
  std::int64_t shift_x_ = 0;  // the position of the taps' input 0 in the image
  std::int64_t left_ = 0, right_ = 0, top_ = 0, bottom_ = 0, next_ = 0;
  std::vector<std::uint8_t> resized_;  // rows top..bottom, resized horizontally
  std::vector<std::uint8_t> line_, wide_;
  std::vector<std::int32_t> sums_;
};

}  // namespace torch_prune
