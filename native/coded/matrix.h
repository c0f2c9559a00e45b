#pragma once
#include <cstdint>
#include <span>

namespace torch_prune::coded {

// A tensor as the coder sees it: a row for each element of its first dimension. Values are the bits of
// float32.
struct Matrix {
  std::int64_t rows = 0;
  std::int64_t columns = 0;
  std::uint32_t* values = nullptr;
  // A byte for each value, 1 where the mask keeps it; null without a mask.
  std::uint8_t* kept = nullptr;

  std::int64_t size() const { return rows * columns; }
  // Whether there is something to code at a place: with a mask what it keeps, without one whatever is not +0.
  bool Stands(std::int64_t at) const { return kept != nullptr ? kept[at] != 0 : values[at] != 0; }
};

}  // namespace torch_prune::coded
