#pragma once
#include <cstddef>
#include <cstdint>
#include <memory>
#include <stdexcept>

#include "frame.h"

namespace torch_prune {

class Painter;

// An image that cannot be decoded; what() says why, as in "is cut short".
class Unreadable : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

// Throws Unreadable for an image with more pixels than PIL accepts, to guard against decompression bombs.
void CheckExtent(const Extent& picture);

// Converts pixels of four inks, inverted as in Adobe's files, to red, green, blue and a meaningless byte, as
// PIL does.
void CmykToRgb(std::uint8_t* pixels, std::int64_t count);

// Whether libjpeg-turbo is on this machine, and the addon was built to use it.
bool JpegLibraryWorks();

// Decodes JPEG with libjpeg-turbo. There is one per thread.
class JpegDecoder {
 public:
  JpegDecoder();
  ~JpegDecoder();
  JpegDecoder(const JpegDecoder&) = delete;
  JpegDecoder& operator=(const JpegDecoder&) = delete;

  static bool Takes(const std::uint8_t* bytes, std::size_t size);

  // Reads the header of a file that stays in memory until Decode. Both throw Unreadable if decoding takes
  // more than `memory` bytes: progressive images are decoded as a whole, others row by row.
  Extent Open(const std::uint8_t* bytes, std::size_t size, std::int64_t memory);
  // Decodes the rows and columns that the frame needs. `fast` decodes at a half, a quarter or an eighth of
  // the size, as long as at least as many pixels as the frame's grid has remain, and uses simple upsampling
  // of colors.
  void Decode(const Frame& frame, bool fast, Painter& painter);

 private:
  void DecodeRows(unsigned shrink, bool smooth, Painter& painter);

  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace torch_prune
