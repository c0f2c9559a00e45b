#pragma once
#include <cstddef>
#include <cstdint>
#include <memory>
#include <stdexcept>

#include "frame.h"

namespace torch_prune {

class Painter;

// A picture that cannot be decoded; what() says why, as in "is cut short".
class Unreadable : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

// Throws Unreadable for a picture of more pixels than PIL takes, which guards against bombs.
void CheckExtent(const Extent& picture);

// Pixels of four inks as Adobe's files hold them, inverted, become red, green, blue and a byte without
// meaning, as PIL has it.
void CmykToRgb(std::uint8_t* pixels, std::int64_t count);

// Whether libjpeg-turbo is on this machine, and the addon was built to use it.
bool JpegLibraryWorks();

// Decodes JPEG with libjpeg-turbo. One a thread.
class JpegDecoder {
 public:
  JpegDecoder();
  ~JpegDecoder();
  JpegDecoder(const JpegDecoder&) = delete;
  JpegDecoder& operator=(const JpegDecoder&) = delete;

  static bool Takes(const std::uint8_t* bytes, std::size_t size);

  // Reads the header of a file that stays in memory until Decode. Throws Unreadable, as does Decode for what
  // takes more than `memory` bytes: progressive pictures are decoded as a whole, others row by row.
  Extent Open(const std::uint8_t* bytes, std::size_t size, std::int64_t memory);
  // Decodes the rows and columns that the frame needs, `fast`: at a half, a quarter or an eighth where as
  // many pixels as the frame's remain; the upsampling of colours is the simple one, too.
  void Decode(const Frame& frame, bool fast, Painter& painter);

 private:
  void DecodeRows(unsigned shrink, bool smooth, Painter& painter);

  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace torch_prune
