#pragma once
#include <cstdint>

#include "augment.h"

namespace torch_prune {

struct Extent {
  std::int64_t width = 0, height = 0;
};

// The pixels of an image that a sample is made of: a box in the image is resized to a grid, and a window of
// the grid is kept.
struct Frame {
  std::int64_t left = 0, top = 0;
  Extent box;
  Extent grid;
  std::int64_t x = 0, y = 0;  // the window's position in the grid
  Extent window;

  bool Resizes() const { return box.width != grid.width || box.height != grid.height; }
};

// How samples of one size are made from images of any size, as defined by torchvision.
struct Framing {
  std::int64_t size = 224;    // the height and width of samples
  std::int64_t resize = 256;  // the length of the shorter side, before cropping to `size`

  // Resize(resize) followed by CenterCrop(size).
  Frame Center(const Extent& picture) const;
  // The same frame, or what the augmentation draws instead.
  Frame Draw(const Extent& picture, const Augmentation& augmentation, SampleRandom& random) const;
  // torchvision's Resize: the shorter side becomes `shorter`; the longer side is scaled accordingly, rounded
  // down.
  static Extent Resized(const Extent& picture, std::int64_t shorter);
};

}  // namespace torch_prune
