#pragma once
#include <cstdint>
#include <memory>
#include <vector>

#include "dispatch.h"
#include "row_slices.h"

namespace torch_prune {

// The kept weights of a matrix that share a few values, for products with one vector: three bytes for each of
// them, a place and an index.
struct SharedRows : RowSlices {
  static constexpr std::size_t kMostValues = 255;

  // Null if there are more values, or one is NaN.
  static std::unique_ptr<const SharedRows> Of(const float* weight, std::int64_t rows, std::int64_t columns);

  std::int64_t bytes() const;
  // Writes the kept weights into a dense matrix of zeros.
  void Spread(float* weight, std::int64_t columns) const;

  std::vector<float> table;         // 0 for what fills rows up, the values in order, and zeros
  std::size_t values = 0;           // of the table, with the first
  std::vector<std::uint8_t> index;  // by entry and lane: its place in the table

 private:
  SharedRows(const float* weight, std::int64_t rows, std::int64_t columns, const std::vector<float>& shared);
};

// The outputs of the slices from `first` up to `last`: y[row] = epilogue(weight[row] · x). `isa` is none
// that the processor lacks.
void Multiply(const SharedRows& weight, std::int64_t first, std::int64_t last, const float* x,
              const Epilogue& epilogue, float* y, Isa isa);

}  // namespace torch_prune
