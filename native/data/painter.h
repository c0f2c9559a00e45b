#pragma once
#include <cstdint>
#include <vector>

#include "frame.h"
#include "normalize.h"
#include "resample.h"

namespace torch_prune {

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

  // Writes the window as normalized float32 [3, height, width].
  void Finish(const Normalization& normalization, bool flip, float* out);
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

// Writes one row of pixels of `Step` bytes as three planes that are `plane` floats apart, from left to right
// or mirrored.
template <int Step>
inline void WriteRow(const std::uint8_t* pixels, std::int64_t width, const Normalization& normalization,
                     bool flip, std::int64_t plane, float* out) {
  const float *red = normalization.channel(0), *green = normalization.channel(1),
              *blue = normalization.channel(2);
  const std::int64_t step = flip ? -1 : 1;
  if (flip) out += width - 1;
  for (std::int64_t x = 0; x < width; ++x, pixels += Step, out += step) {
    out[0] = red[pixels[0]];
    out[plane] = green[pixels[1]];
    out[2 * plane] = blue[pixels[2]];
  }
}

}  // namespace torch_prune
