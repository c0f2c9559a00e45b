#pragma once
#include <array>
#include <cstdint>
#include <vector>

#include "dispatch.h"
#include "epilogue.h"

namespace torch_prune {

// Inputs of a product stand in strips: up to `tallest` lines of `lanes` floats, a vector each, for so many
// outputs of a row. Of how many rows the sums stay in registers meanwhile is `together`.
struct StripShape {
  std::int64_t lanes, tallest, together;
};
StripShape ShapeOf(Isa isa);

// The kept weights of a matrix for products with strips: each weight knows at which line the inputs begin
// that it is multiplied with (Park et al. 2017, "Faster CNNs with Direct Sparse Convolutions and Guided
// Pruning"). Rows are taken a few at a time, and their inputs stand by which of the rows keep a weight for
// them, their pattern. So each input is loaded once for all of those rows, by a loop of the pattern's own
// that asks nothing. Inputs are whole lines of a cache: a vector that crosses two of them takes longer to
// load than to multiply.
//
// The inputs are taken in blocks that fit in a cache, so the weights stand by block, then by group of rows.
struct PatternRows {
  static constexpr std::int64_t kMostTogether = 3;
  // An input that some rows of a group keep a weight for, others being 0.
  struct Input {
    std::uint16_t line;  // of its block, where its strip begins
    std::array<float, kMostTogether> weights;
  };

  PatternRows(std::int64_t rows, std::int64_t blocks, std::int64_t together);
  // Appends what the next group keeps, those of a block being in a row. Where all weights are 0 is none.
  void Append(const std::vector<Input>& inputs);
  // Those of a group in a block, as they were appended but in another order.
  std::vector<Input> InputsOf(std::int64_t block, std::int64_t group) const;

  std::int64_t groups() const { return (rows + together - 1) / together; }
  std::int64_t patterns() const { return (std::int64_t{1} << together) - 1; }
  std::int64_t bytes() const;
  // The first group of each of so many parts, which have about as many weights; and the number of groups.
  std::vector<std::int64_t> Parts(std::int64_t count) const;

  std::int64_t rows, blocks, together;
  std::vector<std::uint16_t> inputs;       // [block, group, pattern - 1]: how many
  std::vector<std::int64_t> first_input;   // [block, group], and the end
  std::vector<std::int64_t> first_weight;  // [block, group], and the end
  std::vector<std::uint16_t> line;         // by input
  std::vector<float> value;                // by input, those of its rows
};

// Adds a block's products to the sums of the groups from `first` up to `last`, for strips of `height` lines,
// which stand one after another in x: the first block begins with the bias, the last one ends with the
// epilogue's bounds. y is [rows of those groups, height * lanes]; there is room for all rows of a group.
void Multiply(const PatternRows& weight, std::int64_t block, std::int64_t first, std::int64_t last,
              const float* x, std::int64_t height, const Epilogue& epilogue, float* y, Isa isa);

}  // namespace torch_prune
