#pragma once
#include <ATen/core/Tensor.h>

namespace torch_prune {

// What the places of kept weights take in a coded file: that of a weight takes the bits of its row and those
// of its column, together at least kLeastBits.
struct PlaceBits {
  static constexpr double kLeastBits = 1;

  at::Tensor of_rows, of_columns;  // double

  // By how many weights of each row and of each column are kept, of a matrix with so many of both. A place
  // says as much as its logarithm of odds: that of its row and that of its column, in so far as they differ
  // from that of all. So weights cost less where others are, and rows and columns with few die out.
  static PlaceBits Of(const at::Tensor& kept_by_row, const at::Tensor& kept_by_column);
};

}  // namespace torch_prune
