#pragma once
#include <functional>
#include <string>

#include "read_ahead.h"

namespace torch_prune {

// Reads and decodes a file of any format into the decoder's painter, framed by what `frame` says for its
// size. Throws Unreadable.
void PaintFile(const std::string& path, const std::function<Frame(const Extent&)>& frame, bool fast,
               Decoder& decoder);

}  // namespace torch_prune
