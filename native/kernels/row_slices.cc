#include "row_slices.h"

#include <algorithm>
#include <numeric>

namespace torch_prune {

RowSlices::RowSlices(const float* weight, std::int64_t count, std::int64_t columns) : kept(count) {
  for (std::int64_t row = 0; row < count; row++) {
    const float* values = weight + row * columns;
    kept[row] = static_cast<std::int32_t>(columns - std::count(values, values + columns, 0.0f));
  }
  std::vector<std::int32_t> order(count);
  std::iota(order.begin(), order.end(), 0);
  std::stable_sort(order.begin(), order.end(), [&](auto a, auto b) { return kept[a] > kept[b]; });

  begins.push_back(0);
  for (std::int64_t first = 0; first < count; first += kLanes) {
    begins.push_back(begins.back() + kept[order[first]]);
  }
  rows.assign(slices() * kLanes, -1);
  column.assign(begins.back() * kLanes, 0);
  for (std::int64_t i = 0; i < count; i++) {
    rows[i] = order[i];
    const float* values = weight + order[i] * columns;
    std::int64_t place = begins[i / kLanes] * kLanes + i % kLanes;
    for (std::int64_t k = 0; k < columns; k++) {
      if (values[k] == 0.0f) continue;
      column[place] = static_cast<std::uint16_t>(k);
      place += kLanes;
    }
  }
}

std::int64_t RowSlices::bytes() const {
  return static_cast<std::int64_t>(begins.size() * sizeof(begins[0]) + rows.size() * sizeof(rows[0]) +
                                   kept.size() * sizeof(kept[0]) + column.size() * sizeof(column[0]));
}

}  // namespace torch_prune
