#pragma once
#include <cstdint>
#include <vector>

#include "dispatch.h"
#include "epilogue.h"

namespace torch_prune {

struct PanelRows;

// The kept weights of PanelRows for products that wait for their inputs: rows are taken four at a time, and
// the inputs of four rows stand by which of the rows keep a weight for them, their pattern. So each input is
// loaded once for all of those rows, by a loop of the pattern's own that asks nothing. Where many weights are
// kept, that is 1.2 to 1.5 times as fast as row by row: a vector that crosses the lines of a cache, as nearly
// all do whose inputs a kernel has moved, takes longer to load than to multiply.
struct PatternRows {
  static constexpr std::int64_t kRows = 4;
  static constexpr int kPatterns = (1 << kRows) - 1;  // that no row keeps is none
  // Whether it is faster than row by row. Sparser rows have too few inputs in common, and without the
  // registers of AVX-512 there is no room for the sums of four: with AVX2 it was slower.
  static bool Pays(double density, Isa isa) { return isa == Isa::kAvx512 && density >= 0.15; }

  explicit PatternRows(const PanelRows& rows);
  // The same weights row by row, each row's by their offsets.
  PanelRows Apart() const;

  std::int64_t groups() const { return (rows + kRows - 1) / kRows; }
  std::int64_t bytes() const;
  // The first group of each of so many parts, which have about as many weights; and the number of groups.
  std::vector<std::int64_t> Parts(std::int64_t count) const;

  std::int64_t rows, blocks;
  std::vector<std::int64_t> base;          // of each block, in floats
  std::vector<std::uint32_t> inputs;       // [block, group, pattern - 1]: how many
  std::vector<std::int64_t> first_input;   // [block, group]
  std::vector<std::int64_t> first_weight;  // [block, group]
  std::vector<std::uint32_t> offset;       // by input, in floats from its block's base
  std::vector<float> value;                // by input, those of its rows
};

// As Multiply of PanelRows, for the groups from `first` up to `last`. There is room in y for all rows of a
// group.
void Multiply(const PatternRows& weight, std::int64_t first, std::int64_t last, const float* x,
              std::int64_t width, const Epilogue& epilogue, float* y, std::int64_t stride, Isa isa);

}  // namespace torch_prune
