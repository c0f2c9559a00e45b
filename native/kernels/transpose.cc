#include "transpose.h"

#include <algorithm>

#include "vectors.h"

namespace torch_prune {
namespace {

// So many rows and columns go at a time, so that what is read and what is written are whole lines of a cache.
// Wider vectors would not help: memory is slower.
constexpr std::int64_t kRows = 64, kColumns = 16;

void Square(const float* from, std::int64_t columns, float* to, std::int64_t rows) {
  using Vec = Of4::Vec;
  const auto row = [&](int i) { return *reinterpret_cast<const Vec*>(from + i * columns); };
  const Vec low01 = __builtin_shufflevector(row(0), row(1), 0, 4, 1, 5);
  const Vec low23 = __builtin_shufflevector(row(2), row(3), 0, 4, 1, 5);
  const Vec high01 = __builtin_shufflevector(row(0), row(1), 2, 6, 3, 7);
  const Vec high23 = __builtin_shufflevector(row(2), row(3), 2, 6, 3, 7);
  const auto column = [&](int i) -> Vec& { return *reinterpret_cast<Vec*>(to + i * rows); };
  column(0) = __builtin_shufflevector(low01, low23, 0, 1, 4, 5);
  column(1) = __builtin_shufflevector(low01, low23, 2, 3, 6, 7);
  column(2) = __builtin_shufflevector(high01, high23, 0, 1, 4, 5);
  column(3) = __builtin_shufflevector(high01, high23, 2, 3, 6, 7);
}

}  // namespace

void Transpose(const float* from, std::int64_t rows, std::int64_t columns, std::int64_t first,
               std::int64_t last, float* to) {
  constexpr std::int64_t kSide = Of4::kLanes;
  for (std::int64_t top = first; top < last; top += kRows) {
    const std::int64_t bottom = std::min(top + kRows, last);
    for (std::int64_t left = 0; left < columns; left += kColumns) {
      const std::int64_t right = std::min(left + kColumns, columns);
      for (std::int64_t column = left; column < right; column += kSide) {
        for (std::int64_t row = top; row < bottom; row += kSide) {
          if (column + kSide <= right && row + kSide <= bottom) {
            Square(from + row * columns + column, columns, to + column * rows + row, rows);
            continue;
          }
          for (std::int64_t c = column; c < std::min(column + kSide, right); c++) {
            for (std::int64_t r = row; r < std::min(row + kSide, bottom); r++)
              to[c * rows + r] = from[r * columns + c];
          }
        }
      }
    }
  }
}

}  // namespace torch_prune
