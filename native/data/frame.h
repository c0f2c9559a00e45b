#pragma once
#include <cstdint>

#include "augment.h"

namespace torch_prune {

struct Extent {
  std::int64_t width = 0, height = 0;
};

// Which pixels of a picture a sample is made of: a box of the picture, resized to a grid, of which a window
// is kept.
struct Frame {
  std::int64_t left = 0, top = 0;
  Extent box;
  Extent grid;
  std::int64_t x = 0, y = 0;  // of the window in the grid
  Extent window;

  bool Resizes() const { return box.width != grid.width || box.height != grid.height; }
};

// How samples of one size are made of pictures of any size, as torchvision defines it.
struct Framing {
  std::int64_t size = 224;    // of samples, height and width
  std::int64_t resize = 256;  // of the shorter side, before a crop of `size`

  // Resize(resize) and CenterCrop(size).
  Frame Centre(const Extent& picture) const;
  // The same, or what the augmentation draws instead.
  Frame Draw(const Extent& picture, const Augmentation& augmentation, SampleRandom& random) const;
  // torchvision's Resize: the shorter side becomes `shorter`, the longer one keeps the shape, rounded down.
  static Extent Resized(const Extent& picture, std::int64_t shorter);
};

}  // namespace torch_prune
