#pragma once
#include <vector>

#include "dispatch.h"
#include "row_slices.h"

namespace torch_prune {

// The kept weights of a matrix for products with one vector, each with its own value.
struct SlicedRows : RowSlices {
  SlicedRows(const float* weight, std::int64_t rows, std::int64_t columns);

  std::int64_t bytes() const;
  // Writes the kept weights into a dense matrix of zeros.
  void Spread(float* weight, std::int64_t columns) const;

  std::vector<float> value;  // by entry and lane
};

// The outputs of the slices from `first` up to `last`: y[row] = epilogue(weight[row] · x). `isa` is none
// that the processor lacks.
void Multiply(const SlicedRows& weight, std::int64_t first, std::int64_t last, const float* x,
              const Epilogue& epilogue, float* y, Isa isa);

}  // namespace torch_prune
