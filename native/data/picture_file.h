#pragma once
#include <functional>
#include <string>

#include "read_ahead.h"

namespace torch_prune {

// How a file is decoded.
struct PaintOptions {
  bool fast = false;                    // as JpegDecoder has it
  std::int64_t memory = kDecodeMemory;  // bytes, beyond which a picture is Unreadable
};

// Reads and decodes a file of any format into the decoder's painter, framed by what `frame` says for its
// size. Throws Unreadable.
void PaintFile(const std::string& path, const std::function<Frame(const Extent&)>& frame,
               const PaintOptions& how, Decoder& decoder);

}  // namespace torch_prune
