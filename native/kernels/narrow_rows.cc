#include "narrow_rows.h"

#include <algorithm>

#include "intrinsics.h"
#include "vectors.h"

namespace torch_prune {
namespace {

constexpr std::int64_t kWidth = NarrowRows::kWidth, kGroup = NarrowRows::kGroup;

// Places are in 8 bytes, which an address may be scaled by for nothing.
constexpr std::int64_t kUnit = 8 / sizeof(float), kUnitsInColumn = kWidth / kUnit;

// Columns of a block: their inputs leave room in a first cache of 48 kilobytes. But rows have so many weights
// in each, in the mean, that filling them up to whole groups costs little.
constexpr std::int64_t kBlockBytes = 32 << 10, kWeightsInBlock = 40;
constexpr std::int64_t kMostColumns = (1 << 16) / kUnitsInColumn - 1;  // and one of zeros

std::int64_t BlockColumns(std::int64_t places, std::int64_t kept) {
  const std::int64_t near = kBlockBytes / (kWidth * sizeof(float));
  return std::min(std::max(near, kWeightsInBlock * places / std::max<std::int64_t>(kept, 1)), kMostColumns);
}

// Adds the weights of one piece to the sums of its row.
template <typename Of>
TORCH_PRUNE_INLINE void AddPiece(const std::uint16_t* place, const float* value, std::int64_t groups,
                                 const float* x, float* sum) {
  using Vec = typename Of::Vec;
  constexpr std::int64_t kVectors = kWidth / Of::kLanes;
  // An addition waits for the one before it.
  constexpr std::int64_t kSums = 8 / kVectors;
  Vec sums[kSums][kVectors] = {};
  for (std::int64_t i = 0; i < groups * kGroup; i += kGroup) {
#pragma GCC unroll 16
    for (std::int64_t k = 0; k < kGroup; k++) {
      const float* from = x + place[i + k] * kUnit;
#pragma GCC unroll 16
      for (std::int64_t v = 0; v < kVectors; v++) {
        sums[k % kSums][v] += value[i + k] * *reinterpret_cast<const Vec*>(from + v * Of::kLanes);
      }
    }
  }
#pragma GCC unroll 16
  for (std::int64_t v = 0; v < kVectors; v++) {
    Vec& all = *reinterpret_cast<Vec*>(sum + v * Of::kLanes);
#pragma GCC unroll 16
    for (std::int64_t s = 1; s < kSums; s++) sums[0][v] += sums[s][v];
    all += sums[0][v];
  }
}

}  // namespace

NarrowRows::NarrowRows(const float* weight, std::int64_t first, std::int64_t last, std::int64_t columns)
    : first_(first), last_(last), columns_(columns) {
  const std::int64_t places = (last - first) * columns;
  const float* own = weight + first * columns;
  step_ = std::min(BlockColumns(places, places - std::count(own, own + places, 0.0f)), columns);
  for (std::int64_t column = 0; column < columns; column += step_) {
    const std::int64_t end = std::min(column + step_, columns);
    std::vector<Piece> pieces;
    for (std::int64_t row = 0; row < last - first; row++) {
      const float* values = own + row * columns;
      const std::int64_t count = end - column - std::count(values + column, values + end, 0.0f);
      const std::int64_t groups = (count + kGroup - 1) / kGroup;
      if (groups > 0) pieces.push_back({static_cast<std::uint32_t>(row), static_cast<std::uint32_t>(groups)});
    }
    std::stable_sort(pieces.begin(), pieces.end(), [](auto& a, auto& b) { return a.groups > b.groups; });
    const auto before = static_cast<std::int64_t>(pieces_.size());
    pieces_.insert(pieces_.end(), pieces.begin(), pieces.end());
    blocks_.push_back({column, static_cast<std::int64_t>(value_.size()), before,
                       static_cast<std::int64_t>(pieces_.size())});
    for (const auto& piece : pieces) {
      const float* values = own + piece.row * columns;
      for (std::int64_t k = column; k < end; k++) {
        if (values[k] == 0.0f) continue;
        place_.push_back(static_cast<std::uint16_t>((k - column) * kUnitsInColumn));
        value_.push_back(values[k]);
      }
      // What fills up reads zeros: an input that is infinite would make NaN of them.
      const auto zeros = static_cast<std::uint16_t>(step_ * kUnitsInColumn);
      place_.resize((place_.size() + kGroup - 1) / kGroup * kGroup, zeros);
      value_.resize(place_.size(), 0.0f);
    }
  }
}

template <typename Add>
TORCH_PRUNE_INLINE void NarrowRows::ForPieces(const Block& block, const float* x, float* sums,
                                              const Add& add) const {
  const std::uint16_t* place = place_.data() + block.begin;
  const float* value = value_.data() + block.begin;
  for (std::int64_t i = block.first; i < block.last; i++) {
    const auto [row, groups] = pieces_[i];
    add(place, value, static_cast<std::int64_t>(groups), x, sums + row * kWidth);
    place += groups * kGroup;
    value += groups * kGroup;
  }
}

void NarrowRows::Plain(const Block& block, const float* x, float* sums) const {
  ForPieces(block, x, sums, AddPiece<Of4>);
}

#if defined(__x86_64__)
TORCH_PRUNE_AVX2 void NarrowRows::Avx2(const Block& block, const float* x, float* sums) const {
  ForPieces(block, x, sums, [](auto... all) TORCH_PRUNE_AVX2 { AddPiece<Of8>(all...); });
}

// Two weights in a vector of 16.
TORCH_PRUNE_AVX512 void NarrowRows::Avx512(const Block& block, const float* x, float* sums) const {
  const __m512i halves = _mm512_setr_epi32(0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 1, 1, 1, 1);
  ForPieces(block, x, sums,
            [halves](const std::uint16_t* place, const float* value, std::int64_t groups, const float* x,
                     float* sum) TORCH_PRUNE_AVX512 {
              const auto add = [&](std::int64_t i, __m512 to) TORCH_PRUNE_AVX512 {
                const __m128 both =
                    _mm_castsi128_ps(_mm_loadl_epi64(reinterpret_cast<const __m128i*>(value + i)));
                const __m512 factor = _mm512_permutexvar_ps(halves, _mm512_castps128_ps512(both));
                const __m256 low = _mm256_loadu_ps(x + place[i] * kUnit);
                const __m256 high = _mm256_loadu_ps(x + place[i + 1] * kUnit);
                return _mm512_fmadd_ps(factor, _mm512_insertf32x8(_mm512_castps256_ps512(low), high, 1), to);
              };
              __m512 a = _mm512_setzero_ps(), b = a, c = a, d = a;
              for (std::int64_t i = 0; i < groups * kGroup; i += kGroup) {
                a = add(i, a), b = add(i + 2, b), c = add(i + 4, c), d = add(i + 6, d);
              }
              const __m512 all = _mm512_add_ps(_mm512_add_ps(a, b), _mm512_add_ps(c, d));
              const __m256 two = _mm256_add_ps(_mm512_castps512_ps256(all), _mm512_extractf32x8_ps(all, 1));
              _mm256_storeu_ps(sum, _mm256_add_ps(_mm256_loadu_ps(sum), two));
            });
}
#endif

void NarrowRows::Multiply(const float* x, std::int64_t samples, const Epilogue& epilogue, float* y,
                          std::int64_t stride, float* room, Isa isa) const {
  auto add = &NarrowRows::Plain;
#if defined(__x86_64__)
  if (isa == Isa::kAvx2) add = &NarrowRows::Avx2;
  if (isa == Isa::kAvx512) add = &NarrowRows::Avx512;
#endif
  const std::int64_t rows = last_ - first_;
  float* sums = room;
  float* sideways = room + rows * kWidth;  // a block's inputs, sample beside sample, and a column of zeros
  for (std::int64_t row = 0; row < rows; row++) {
    std::fill_n(sums + row * kWidth, kWidth, epilogue.bias != nullptr ? epilogue.bias[first_ + row] : 0.0f);
  }
  std::fill_n(sideways, (step_ + 1) * kWidth, 0.0f);
  for (const auto& block : blocks_) {
    const std::int64_t columns = std::min(step_, columns_ - block.column);
    for (std::int64_t k = 0; k < columns; k++) {
      const float* from = x + block.column + k;
      for (std::int64_t sample = 0; sample < samples; sample++) {
        sideways[k * kWidth + sample] = from[sample * columns_];
      }
    }
    (this->*add)(block, sideways, sums);
  }
  for (std::int64_t sample = 0; sample < samples; sample++) {
    float* to = y + sample * stride + first_;
    for (std::int64_t row = 0; row < rows; row++) to[row] = epilogue.Of(sums[row * kWidth + sample]);
  }
}

void NarrowRows::Spread(float* weight) const {
  for (const auto& block : blocks_) {
    std::int64_t at = block.begin;
    for (std::int64_t i = block.first; i < block.last; i++) {
      float* row = weight + (first_ + pieces_[i].row) * columns_ + block.column;
      for (const std::int64_t end = at + pieces_[i].groups * kGroup; at < end; at++) {
        // What fills a piece up stands for no weight.
        if (value_[at] != 0.0f) row[place_[at] / kUnitsInColumn] = value_[at];
      }
    }
  }
}

std::int64_t NarrowRows::bytes() const {
  return static_cast<std::int64_t>(blocks_.size() * sizeof(Block) + pieces_.size() * sizeof(Piece) +
                                   place_.size() * sizeof(place_[0]) + value_.size() * sizeof(value_[0]));
}

}  // namespace torch_prune
