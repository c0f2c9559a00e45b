#pragma once
#include <cstdint>
#include <vector>

#include "dispatch.h"
#include "epilogue.h"

namespace torch_prune {

// The kept weights of a matrix for products with many vectors at a time: each weight knows where in the
// inputs the numbers begin that it is multiplied with, the values of one input for all samples.
//
// The inputs are taken in blocks that fit in a cache, so the weights stand by block, then by row.
struct PanelRows {
  std::int64_t rows = 0;
  std::int64_t blocks = 0;
  std::vector<std::int64_t> base;     // of each block, in floats
  std::vector<std::int64_t> begins;   // [block * (rows + 1) + row], in weights
  std::vector<std::uint32_t> offset;  // by weight, in floats from its block's base
  std::vector<std::uint16_t> near;    // instead of it, in kNearUnit floats
  std::vector<float> value;

  // Of a dense matrix [rows, columns], row by row, for inputs that lie as [columns, width], in blocks of so
  // many columns: the weights where `keep` is true, or, without it, those that are not zero.
  static PanelRows Of(const float* weight, const bool* keep, std::int64_t rows, std::int64_t columns,
                      std::int64_t block, std::int64_t width);
  // Moves values of the weights of the blocks from `first` up to `last`, which lie as they do here, to their
  // places in such a matrix, or from there. What else it holds stays.
  void Spread(std::int64_t first, std::int64_t last, const float* values, std::int64_t columns,
              std::int64_t width, float* dense) const;
  void Gather(std::int64_t first, std::int64_t last, const float* dense, std::int64_t columns,
              std::int64_t width, float* values) const;

  // Has offsets of 16 bits from now on, if they go: weights are read from memory, of which that takes a
  // quarter less.
  static constexpr std::uint32_t kNearUnit = 8;
  void Shorten();
  std::uint32_t OffsetOf(std::int64_t weight) const {
    return near.empty() ? offset[weight] : near[weight] * kNearUnit;
  }

  std::int64_t bytes() const;
  // The first row of each of so many parts, which have about as many weights; and `rows`.
  std::vector<std::int64_t> Parts(std::int64_t count) const;
};

// The outputs of the rows from `first` up to `last`, `width` numbers each, `stride` floats apart:
// y[row] = epilogue(sum of value * x[base + offset ...]). Reads x and writes y up to the next multiple of
// kPanelStep behind `width`.
constexpr std::int64_t kPanelStep = 16;
void Multiply(const PanelRows& weight, std::int64_t first, std::int64_t last, const float* x,
              std::int64_t width, const Epilogue& epilogue, float* y, std::int64_t stride, Isa isa);

}  // namespace torch_prune
