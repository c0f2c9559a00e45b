#include "panel_rows.h"

#include <algorithm>

#include "even_parts.h"
#include "vectors.h"

namespace torch_prune {
namespace {

struct Rows {
  const PanelRows& weight;
  std::int64_t first, last;
  const float* x;
  const Epilogue& epilogue;
  float* y;
  std::int64_t stride;
};

const std::uint32_t* OffsetsOf(const PanelRows& weight, std::uint32_t) {
  return weight.offset.data();
}
const std::uint16_t* OffsetsOf(const PanelRows& weight, std::uint16_t) {
  return weight.near.data();
}

// One row of one block, `T` vectors wide. Each addition waits for the one before it, so a narrow row has `U`
// sums.
template <typename Of, int T, int U, typename Offset>
TORCH_PRUNE_INLINE void AddRow(const Offset* offset, const float* value, std::int64_t count, const float* x,
                               typename Of::Vec (&sum)[T]) {
  using Vec = typename Of::Vec;
  constexpr std::int64_t kUnit = sizeof(Offset) == 2 ? PanelRows::kNearUnit : 1;
  Vec more[U][T] = {};
  std::int64_t i = 0;
  for (; i + U <= count; i += U) {
#pragma GCC unroll 16
    for (int u = 0; u < U; u++) {
      const float* from = x + offset[i + u] * kUnit;
      const float factor = value[i + u];
#pragma GCC unroll 16
      for (int t = 0; t < T; t++) {
        more[u][t] += factor * *reinterpret_cast<const Vec*>(from + t * Of::kLanes);
      }
    }
  }
  for (; i < count; i++) {
    const float* from = x + offset[i] * kUnit;
#pragma GCC unroll 16
    for (int t = 0; t < T; t++) sum[t] += value[i] * *reinterpret_cast<const Vec*>(from + t * Of::kLanes);
  }
#pragma GCC unroll 16
  for (int u = 0; u < U; u++) {
#pragma GCC unroll 16
    for (int t = 0; t < T; t++) sum[t] += more[u][t];
  }
}

// `T` vectors of all outputs, from `at` on.
template <typename Offset, typename Of, int T>
TORCH_PRUNE_INLINE void Columns(const Rows& rows, std::int64_t at) {
  using Vec = typename Of::Vec;
  constexpr int U = T >= 3 ? 1 : 4 / T;
  const PanelRows& weight = rows.weight;
  for (std::int64_t block = 0; block < weight.blocks; block++) {
    const std::int64_t* begins = weight.begins.data() + block * (weight.rows + 1);
    const float* x = rows.x + weight.base[block] + at;
    for (std::int64_t row = rows.first; row < rows.last; row++) {
      float* y = rows.y + row * rows.stride + at;
      Vec sum[T];
      if (block == 0) {
        const float bias = rows.epilogue.bias != nullptr ? rows.epilogue.bias[row] : 0.0f;
#pragma GCC unroll 16
        for (int t = 0; t < T; t++) sum[t] = Vec{} + bias;
      } else {
#pragma GCC unroll 16
        for (int t = 0; t < T; t++) sum[t] = *reinterpret_cast<const Vec*>(y + t * Of::kLanes);
      }
      const std::int64_t begin = begins[row];
      AddRow<Of, T, U>(OffsetsOf(weight, Offset{}) + begin, weight.value.data() + begin,
                       begins[row + 1] - begin, x, sum);
      if (block + 1 == weight.blocks) {
        const Vec lowest = Vec{} + rows.epilogue.lowest, highest = Vec{} + rows.epilogue.highest;
#pragma GCC unroll 16
        for (int t = 0; t < T; t++) {
          sum[t] = sum[t] < lowest ? lowest : sum[t];
          sum[t] = sum[t] > highest ? highest : sum[t];
        }
      }
#pragma GCC unroll 16
      for (int t = 0; t < T; t++) *reinterpret_cast<Vec*>(y + t * Of::kLanes) = sum[t];
    }
  }
}

// As many vectors as are left, fewer than `T` + 1.
template <typename Offset, typename Of, int T>
TORCH_PRUNE_INLINE void Rest(const Rows& rows, std::int64_t at, std::int64_t left) {
  if (left == T) return Columns<Offset, Of, T>(rows, at);
  if constexpr (T > 1) Rest<Offset, Of, T - 1>(rows, at, left);
}

// `Most` sums are as many as there are registers for. Wide rows are taken in narrower pieces, of which more
// inputs fit in the first cache.
template <typename Offset, typename Of, int Most>
TORCH_PRUNE_INLINE void SomeColumns(const Rows& rows, std::int64_t width) {
  constexpr int kPiece = 8;
  std::int64_t at = 0, left = (width + Of::kLanes - 1) / Of::kLanes;
  if (left <= Most) return Rest<Offset, Of, Most>(rows, at, left);
  for (; left >= kPiece; left -= kPiece, at += kPiece * Of::kLanes) Columns<Offset, Of, kPiece>(rows, at);
  if (left > 0) Rest<Offset, Of, kPiece - 1>(rows, at, left);
}

template <typename Of, int Most>
TORCH_PRUNE_INLINE void AllColumns(const Rows& rows, std::int64_t width) {
  if (rows.weight.near.empty()) return SomeColumns<std::uint32_t, Of, Most>(rows, width);
  SomeColumns<std::uint16_t, Of, Most>(rows, width);
}

void Baseline(const Rows& rows, std::int64_t width) {
  AllColumns<Of4, 8>(rows, width);
}

#if defined(__x86_64__)
TORCH_PRUNE_AVX2 void Avx2(const Rows& rows, std::int64_t width) {
  AllColumns<Of8, 8>(rows, width);
}

TORCH_PRUNE_AVX512 void Avx512(const Rows& rows, std::int64_t width) {
  // Half of a vector of 16 would be wasted.
  if (width <= Of8::kLanes) return AllColumns<Of8, 8>(rows, width);
  AllColumns<Of16, 16>(rows, width);
}
#endif

// Calls visit(weight, its place in a dense matrix) for the weights of the blocks from `first` up to `last`.
template <typename Visit>
void ForPlaces(const PanelRows& panels, std::int64_t first, std::int64_t last, std::int64_t columns,
               std::int64_t width, const Visit& visit) {
  for (std::int64_t block = first; block < last; block++) {
    const std::int64_t* begins = panels.begins.data() + block * (panels.rows + 1);
    const std::int64_t column = panels.base[block] / width;
    for (std::int64_t row = 0; row < panels.rows; row++) {
      for (std::int64_t i = begins[row]; i < begins[row + 1]; i++) {
        visit(i, row * columns + column + panels.OffsetOf(i) / static_cast<std::uint32_t>(width));
      }
    }
  }
}

}  // namespace

PanelRows PanelRows::Of(const float* weight, const bool* keep, std::int64_t rows, std::int64_t columns,
                        std::int64_t block, std::int64_t width) {
  PanelRows panels;
  panels.rows = rows;
  panels.blocks = (columns + block - 1) / block;
  for (std::int64_t first = 0; first < columns; first += block) {
    panels.base.push_back(first * width);
    const std::int64_t last = std::min(first + block, columns);
    for (std::int64_t row = 0; row < rows; row++) {
      panels.begins.push_back(static_cast<std::int64_t>(panels.value.size()));
      for (std::int64_t k = first; k < last; k++) {
        const std::int64_t place = row * columns + k;
        if (keep != nullptr ? !keep[place] : weight[place] == 0) continue;
        panels.offset.push_back(static_cast<std::uint32_t>((k - first) * width));
        panels.value.push_back(weight[place]);
      }
    }
    panels.begins.push_back(static_cast<std::int64_t>(panels.value.size()));
  }
  return panels;
}

void PanelRows::Spread(std::int64_t first, std::int64_t last, const float* values, std::int64_t columns,
                       std::int64_t width, float* dense) const {
  ForPlaces(*this, first, last, columns, width, [=](auto i, auto place) { dense[place] = values[i]; });
}

void PanelRows::Gather(std::int64_t first, std::int64_t last, const float* dense, std::int64_t columns,
                       std::int64_t width, float* values) const {
  ForPlaces(*this, first, last, columns, width, [=](auto i, auto place) { values[i] = dense[place]; });
}

void PanelRows::Shorten() {
  const auto fits = [](std::uint32_t at) { return at % kNearUnit == 0 && at / kNearUnit < 1 << 16; };
  if (!std::all_of(offset.begin(), offset.end(), fits)) return;
  near.reserve(offset.size());
  for (const auto at : offset) near.push_back(static_cast<std::uint16_t>(at / kNearUnit));
  offset = {};
}

std::int64_t PanelRows::bytes() const {
  return static_cast<std::int64_t>((base.size() + begins.size()) * sizeof(begins[0]) +
                                   offset.size() * sizeof(offset[0]) + near.size() * sizeof(near[0]) +
                                   value.size() * sizeof(value[0]));
}

std::vector<std::int64_t> PanelRows::Parts(std::int64_t count) const {
  std::vector<std::int64_t> before(rows + 1, 0);  // weights in front of each row, in all blocks
  for (std::int64_t row = 0; row < rows; row++) {
    before[row + 1] = before[row] + 1;  // an empty row takes time too
    for (std::int64_t block = 0; block < blocks; block++) {
      const std::int64_t* at = begins.data() + block * (rows + 1) + row;
      before[row + 1] += at[1] - at[0];
    }
  }
  return EvenParts(before, count);
}

void Multiply(const PanelRows& weight, std::int64_t first, std::int64_t last, const float* x,
              std::int64_t width, const Epilogue& epilogue, float* y, std::int64_t stride, Isa isa) {
  const Rows rows{weight, first, last, x, epilogue, y, stride};
#if defined(__x86_64__)
  if (isa == Isa::kAvx512) return Avx512(rows, width);
  if (isa == Isa::kAvx2) return Avx2(rows, width);
#endif
  Baseline(rows, width);
}

}  // namespace torch_prune
