#pragma once
#include <array>
#include <cstdint>

#include "../kernels/panel_rows.h"
#include "form.h"

namespace torch_prune {

// Where the numbers of a convolution lie while it is computed from its kept weights. An image is padded and
// taken apart into stride × stride planes, so that the inputs of all outputs of a row of the image lie side
// by side for each weight; outputs have the rows of those planes, with a few numbers at the end of each that
// mean nothing.
struct Geometry {
  static constexpr std::int64_t kTile = 8 * kPanelStep;  // what a kernel goes through at a time

  explicit Geometry(const Weighing& weighing);

  // Where the inputs of a weight begin in the planes of its channel.
  std::int64_t Place(std::int64_t y, std::int64_t x) const;
  // How many channels a block has.
  std::int64_t Block() const;
  // Puts the channels from `first` up to `last` of an image into their planes, whose padding is zero already.
  void Lay(const float* image, bool channels_last, std::int64_t first, std::int64_t last,
           float* planes) const;
  // Takes those of the outputs from `first` up to `last` that mean something.
  void Take(const float* sums, std::int64_t first, std::int64_t last, float* output) const;

  std::int64_t samples, channels, height, width;  // of the input
  std::int64_t outputs, out_height, out_width;
  std::array<std::int64_t, 2> kernel;
  Window window;
  std::int64_t rows, row;    // of a plane: how many, and how long
  std::int64_t plane;        // rows * row
  std::int64_t per_channel;  // all planes of a channel, and some room
  std::int64_t length;       // of an output, up to its last number
  std::int64_t stride;       // between outputs
};

}  // namespace torch_prune
