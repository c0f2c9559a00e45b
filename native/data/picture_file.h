#pragma once
#include <functional>
#include <string>

#include "read_ahead.h"

namespace torch_prune {

// How to decode a file.
struct PaintOptions {
  bool fast = false;                    // see JpegDecoder::Decode
  std::int64_t memory = kDecodeMemory;  // in bytes; an image that takes more is Unreadable
};

// Reads and decodes a file of any format into the decoder's painter. `frame` returns the frame for an image's
// size. Throws Unreadable.
void PaintFile(const std::string& path, const std::function<Frame(const Extent&)>& frame,
               const PaintOptions& how, Decoder& decoder);

}  // namespace torch_prune
