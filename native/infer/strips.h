#pragma once
#include <array>
#include <cstdint>
#include <vector>

#include "../kernels/line_moves.h"
#include "../kernels/pattern_rows.h"
#include "form.h"

namespace torch_prune {

// Where the numbers of a convolution lie while it is computed from its kept weights. Outputs are cut into
// runs: `tall` of them below one another. Of all columns of all images, a vector of runs side by side is a
// strip, whose outputs are the sums of so many lines of inputs for each weight, each a vector that begins
// where the lines of a cache do: a weight further down the kernel begins at a later line, and for each of the
// kernel's columns the lines are there again, moved.
struct Strips {
  Strips(const Weighing& weighing, Isa isa);

  // The line of its channel at which the inputs of a weight begin.
  std::int64_t Line(std::int64_t y, std::int64_t x) const;
  // How the lines of a strip come out of a batch of images [N, C, H, W].
  void Moves(std::int64_t strip, LineMoves& moves) const;
  // Puts sums [rows, tall * lanes] of the strips from `first` up to `last`, so many floats apart, to their
  // places among the outputs [N, O, H, W] of all rows, of which they are those from `row` up to `end_row`.
  void Take(std::int64_t first, std::int64_t last, std::int64_t row, std::int64_t end_row, const float* sums,
            std::int64_t per_strip, float* output) const;

  std::int64_t samples, channels, height, width;  // of the input
  std::int64_t outputs, out_height, out_width;
  std::array<std::int64_t, 2> kernel;
  Window window;
  StripShape shape;
  std::int64_t tall;   // outputs below one another in a run
  std::int64_t runs;   // in a column of an image
  std::int64_t count;  // of strips
  std::int64_t lines;  // of a channel
  std::int64_t block;  // channels whose lines together stay close to a core

 private:
  // Runs side by side, in a strip from one lane on and in an image from one output on.
  struct Piece {
    std::int64_t lane, count, sample, y, x;
  };
  std::vector<Piece> Pieces(std::int64_t strip) const;

  std::vector<std::int64_t> rows_;  // of the input, from the first one that an output reads, by line
};

}  // namespace torch_prune
