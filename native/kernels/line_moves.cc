#include "line_moves.h"

#include <algorithm>

#include "vectors.h"

namespace torch_prune {
namespace {

TORCH_PRUNE_INLINE void Exactly(const LineMoves& all, const float* image, float* lines) {
  for (const auto& [from, to, count] : all.moves) {
    if (from == LineMoves::kZeros) {
      std::fill_n(lines + to, count, 0.0f);
    } else {
      for (std::uint32_t i = 0; i < count; i++) lines[to + i] = image[from + i * all.step];
    }
  }
}

// A vector for each move, however few numbers it has: the next moves write over the rest.
template <typename Of>
TORCH_PRUNE_INLINE void Vectors(const LineMoves& all, const float* image, float* lines) {
  using Vec = typename Of::Vec;
  for (const auto& move : all.moves) {
    const bool zeros = move.from == LineMoves::kZeros;
    *reinterpret_cast<Vec*>(lines + move.to) =
        zeros ? Vec{} : *reinterpret_cast<const Vec*>(image + move.from);
  }
}

template <typename Of>
TORCH_PRUNE_INLINE void Channels(const LineMoves& all, const LineCopy& copy) {
  std::int64_t furthest = 0;
  for (const auto& move : all.moves) furthest = std::max(furthest, move.from);
  // The last channels may end before a vector does.
  const std::int64_t room = copy.size - furthest - Of::kLanes;
  const std::int64_t vectors =
      all.step > 1 || room < 0 ? 0 : std::min(copy.channels, room / copy.channel + 1);
  const auto image = [&](std::int64_t channel) { return copy.image + channel * copy.channel; };
  for (std::int64_t channel = 0; channel < vectors; channel++)
    Vectors<Of>(all, image(channel), copy.lines + channel * copy.per_channel);
  for (std::int64_t channel = vectors; channel < copy.channels; channel++)
    Exactly(all, image(channel), copy.lines + channel * copy.per_channel);
}

void Baseline(const LineMoves& all, const LineCopy& copy) {
  Channels<Of4>(all, copy);
}

#if defined(__x86_64__)
TORCH_PRUNE_AVX2 void Avx2(const LineMoves& all, const LineCopy& copy) {
  Channels<Of8>(all, copy);
}

TORCH_PRUNE_AVX512 void Avx512(const LineMoves& all, const LineCopy& copy) {
  Channels<Of16>(all, copy);
}
#endif

}  // namespace

void CopyLines(const LineMoves& moves, const LineCopy& copy, Isa isa) {
#if defined(__x86_64__)
  if (isa == Isa::kAvx512) return Avx512(moves, copy);
  if (isa == Isa::kAvx2) return Avx2(moves, copy);
#endif
  Baseline(moves, copy);
}

}  // namespace torch_prune
