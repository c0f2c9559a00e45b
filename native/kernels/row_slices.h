#pragma once
#include <cmath>
#include <cstdint>
#include <vector>

#include "epilogue.h"

namespace torch_prune {

// Where the kept weights of a matrix stand for products with one vector: 16 rows side by side, an entry of
// each in turn, so that one instruction works on 16 of them. Rows stand by their numbers of weights, and the
// shorter ones of 16 are filled up with zeros. (SELL-C-σ: Kreutzer et al. 2014, "A unified sparse matrix data
// format for efficient general sparse matrix-vector multiplication on modern processors with wide SIMD
// units".)
struct RowSlices {
  static constexpr std::int64_t kLanes = 16;
  static constexpr std::int64_t kMostColumns = 1 << 16;

  // Of a dense matrix of at most kMostColumns columns.
  RowSlices(const float* weight, std::int64_t rows, std::int64_t columns);

  std::int64_t slices() const { return static_cast<std::int64_t>(begins.size()) - 1; }
  std::int64_t bytes() const;
  // Calls visit(place here, place in the dense matrix) for each kept weight.
  template <typename Visit>
  void ForKept(std::int64_t columns, const Visit& visit) const {
    for (std::int64_t slice = 0; slice < slices(); slice++) {
      for (std::int64_t lane = 0; lane < kLanes; lane++) {
        const std::int64_t row = rows[slice * kLanes + lane];
        const std::int64_t first = begins[slice] * kLanes + lane;
        for (std::int64_t i = 0; row >= 0 && i < kept[row]; i++) {
          const std::int64_t place = first + i * kLanes;
          visit(place, row * columns + column[place]);
        }
      }
    }
  }
  // y[row] = epilogue(sum of the row), for the slices from `first` up to `last`; sum(first entry, behind the
  // last one, sums by lane), value(place).
  template <typename Sum, typename Value>
  void Multiply(std::int64_t first, std::int64_t last, const float* x, const Epilogue& epilogue, float* y,
                const Sum& sum, const Value& value) const {
    float sums[kLanes];
    for (std::int64_t slice = first; slice < last; slice++) {
      sum(begins[slice], begins[slice + 1], sums);
      for (std::int64_t lane = 0; lane < kLanes; lane++) {
        const std::int32_t row = rows[slice * kLanes + lane];
        if (row < 0) break;
        // Not a number may come from what fills the row up, where an input that it has no weight of is
        // infinite.
        if (std::isnan(sums[lane]) && kept[row] < begins[slice + 1] - begins[slice]) {
          sums[lane] = 0;
          for (std::int64_t i = 0; i < kept[row]; i++) {
            const std::int64_t place = (begins[slice] + i) * kLanes + lane;
            sums[lane] += value(place) * x[column[place]];
          }
        }
        y[row] = epilogue.Of(sums[lane] + (epilogue.bias != nullptr ? epilogue.bias[row] : 0.0f));
      }
    }
  }

  std::vector<std::int64_t> begins;   // of each slice, in entries
  std::vector<std::int32_t> rows;     // by slice and lane; -1: none
  std::vector<std::int32_t> kept;     // by row: how many weights
  std::vector<std::uint16_t> column;  // by entry and lane; 0 where a row is filled up
};

}  // namespace torch_prune
