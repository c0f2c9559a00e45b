#pragma once
#include <cstdint>

namespace torch_prune {

// Writes the rows from `first` up to `last` of a matrix [rows, columns] as columns of another one,
// [columns, rows].
void Transpose(const float* from, std::int64_t rows, std::int64_t columns, std::int64_t first,
               std::int64_t last, float* to);

}  // namespace torch_prune
