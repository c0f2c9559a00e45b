#pragma once
#include <cstdint>
#include <vector>

#include "dispatch.h"

namespace torch_prune {

// How the lines of one channel of a strip come out of an image: numbers that lie side by side in it, or so
// many apart, and zeros.
struct LineMoves {
  static constexpr std::int64_t kZeros = -1;
  struct Move {
    std::int64_t from;  // the channel's first number, in floats from the image's; or kZeros
    std::uint32_t to;   // in floats from where the channel's lines begin
    std::uint32_t count;
  };

  std::vector<Move> moves;  // by `to`
  std::int64_t step = 1;    // between numbers of the image that lie side by side here
};

// Where the lines come from, and go to.
struct LineCopy {
  const float* image;
  std::int64_t size;  // of the image, in floats
  std::int64_t channels;
  std::int64_t channel;      // from one channel of the image to the next, in floats
  float* lines;              // aligned to a vector; with a vector's room behind
  std::int64_t per_channel;  // from the lines of one channel to the next, in floats
};

// Makes the lines of all those channels. Numbers that no move goes to are left undefined.
void CopyLines(const LineMoves& moves, const LineCopy& copy, Isa isa);

}  // namespace torch_prune
