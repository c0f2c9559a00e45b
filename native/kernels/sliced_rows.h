#pragma once
#include <cstdint>
#include <vector>

#include "dispatch.h"
#include "epilogue.h"

namespace torch_prune {

// The kept weights of a matrix for products with one vector: 16 rows side by side, an entry of each in turn,
// so that one instruction works on 16 of them. Rows stand by their numbers of weights, and the shorter ones
// of 16 are filled up with zeros. (SELL-C-σ: Kreutzer et al. 2014, "A unified sparse matrix data format for
// efficient general sparse matrix-vector multiplication on modern processors with wide SIMD units".)
struct SlicedRows {
  static constexpr std::int64_t kLanes = 16;
  static constexpr std::int64_t kMostColumns = 1 << 16;

  // From a dense matrix of at most kMostColumns columns.
  SlicedRows(const float* weight, std::int64_t rows, std::int64_t columns);

  std::int64_t slices() const { return static_cast<std::int64_t>(begins.size()) - 1; }
  std::int64_t bytes() const;
  // Writes the kept weights into a dense matrix of zeros.
  void Spread(float* weight, std::int64_t columns) const;

  std::vector<std::int64_t> begins;   // of each slice, in entries
  std::vector<std::int32_t> rows;     // by slice and lane; -1: none
  std::vector<std::uint16_t> column;  // by entry and lane
  std::vector<float> value;
};

// The outputs of the slices from `first` up to `last`: y[row] = epilogue(weight[row] · x). `isa` is none
// that the processor lacks.
void Multiply(const SlicedRows& weight, std::int64_t first, std::int64_t last, const float* x,
              const Epilogue& epilogue, float* y, Isa isa);

}  // namespace torch_prune
