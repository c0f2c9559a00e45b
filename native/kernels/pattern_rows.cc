#include "pattern_rows.h"

#include <algorithm>
#include <array>
#include <utility>

#include "even_parts.h"
#include "panel_rows.h"
#include "vectors.h"

namespace torch_prune {
namespace {

constexpr int kRows = PatternRows::kRows;
using Patterns = std::make_integer_sequence<int, PatternRows::kPatterns>;

struct Groups {
  const PatternRows& weight;
  std::int64_t first, last;
  const float* x;
  const Epilogue& epilogue;
  float* y;
  std::int64_t stride;
};

// Where a loop is in the weights.
struct Place {
  const std::uint32_t* offset;
  const float* value;
};

// The inputs that the rows of one pattern keep.
template <typename Of, int T, int Pattern>
TORCH_PRUNE_INLINE void AddPattern(std::uint32_t count, Place& at, const float* x,
                                   typename Of::Vec (&sum)[kRows][T]) {
  using Vec = typename Of::Vec;
  for (; count > 0; count--) {
    const float* from = x + *at.offset++;
    Vec input[T];
#pragma GCC unroll 16
    for (int t = 0; t < T; t++) input[t] = *reinterpret_cast<const Vec*>(from + t * Of::kLanes);
#pragma GCC unroll 16
    for (int row = 0; row < kRows; row++) {
      if ((Pattern >> row & 1) == 0) continue;
      const float factor = *at.value++;
#pragma GCC unroll 16
      for (int t = 0; t < T; t++) sum[row][t] += factor * input[t];
    }
  }
}

template <typename Of, int T, int... Pattern>
TORCH_PRUNE_INLINE void AddPatterns(std::integer_sequence<int, Pattern...>, const std::uint32_t* inputs,
                                    Place at, const float* x, typename Of::Vec (&sum)[kRows][T]) {
  (AddPattern<Of, T, Pattern + 1>(inputs[Pattern], at, x, sum), ...);
}

// `T` vectors of all outputs, from `at` on.
template <typename Of, int T>
TORCH_PRUNE_INLINE void Columns(const Groups& groups, std::int64_t at) {
  using Vec = typename Of::Vec;
  const PatternRows& weight = groups.weight;
  const Epilogue& epilogue = groups.epilogue;
  const Vec lowest = Vec{} + epilogue.lowest, highest = Vec{} + epilogue.highest;
  for (std::int64_t block = 0; block < weight.blocks; block++) {
    const float* x = groups.x + weight.base[block] + at;
    for (std::int64_t group = groups.first; group < groups.last; group++) {
      const std::int64_t here = block * weight.groups() + group;
      float* y = groups.y + group * kRows * groups.stride + at;
      Vec sum[kRows][T];
#pragma GCC unroll 16
      for (int row = 0; row < kRows; row++) {
        const std::int64_t output = group * kRows + row;
        const bool biased = epilogue.bias != nullptr && output < weight.rows;
        const Vec bias = Vec{} + (biased ? epilogue.bias[output] : 0.0f);
#pragma GCC unroll 16
        for (int t = 0; t < T; t++) {
          const float* before = y + row * groups.stride + t * Of::kLanes;
          sum[row][t] = block == 0 ? bias : *reinterpret_cast<const Vec*>(before);
        }
      }
      AddPatterns<Of, T>(
          Patterns{}, weight.inputs.data() + here * PatternRows::kPatterns,
          {weight.offset.data() + weight.first_input[here], weight.value.data() + weight.first_weight[here]},
          x, sum);
#pragma GCC unroll 16
      for (int row = 0; row < kRows; row++) {
#pragma GCC unroll 16
        for (int t = 0; t < T; t++) {
          Vec& s = sum[row][t];
          if (block + 1 == weight.blocks) {
            s = s < lowest ? lowest : s;
            s = s > highest ? highest : s;
          }
          *reinterpret_cast<Vec*>(y + row * groups.stride + t * Of::kLanes) = s;
        }
      }
    }
  }
}

template <typename Of, int T>
TORCH_PRUNE_INLINE void Piece(const Groups& groups, std::int64_t at, std::int64_t vectors) {
  if (vectors == T) return Columns<Of, T>(groups, at);
  if constexpr (T > 1) Piece<Of, T - 1>(groups, at, vectors);
}

// In pieces of at most `Most` vectors, for as many sums as there are registers, and of about as many each.
template <typename Of, int Most>
TORCH_PRUNE_INLINE void AllColumns(const Groups& groups, std::int64_t width) {
  const std::int64_t vectors = (width + Of::kLanes - 1) / Of::kLanes;
  const std::int64_t pieces = (vectors + Most - 1) / Most;
  for (std::int64_t piece = 0; piece < pieces; piece++) {
    const std::int64_t at = vectors * piece / pieces, end = vectors * (piece + 1) / pieces;
    Piece<Of, Most>(groups, at * Of::kLanes, end - at);
  }
}

void Baseline(const Groups& groups, std::int64_t width) {
  AllColumns<Of4, 3>(groups, width);
}

#if defined(__x86_64__)
TORCH_PRUNE_AVX512 void Avx512(const Groups& groups, std::int64_t width) {
  AllColumns<Of16, 7>(groups, width);
}
#endif

// An input of four rows, with the weights of those that keep it.
struct Shared {
  std::uint32_t offset;
  int pattern = 0;
  std::array<float, kRows> values{};
};

// The inputs of the four rows of a group in a block, by their patterns.
std::vector<Shared> InputsOf(const PanelRows& rows, std::int64_t block, std::int64_t group) {
  std::vector<Shared> inputs;
  for (std::int64_t row = group * kRows; row < std::min((group + 1) * kRows, rows.rows); row++) {
    const std::int64_t* begins = rows.begins.data() + block * (rows.rows + 1) + row;
    const int bit = static_cast<int>(row % kRows);
    for (std::int64_t i = begins[0]; i < begins[1]; i++) {
      Shared& input = inputs.emplace_back(Shared{rows.OffsetOf(i)});
      input.pattern = 1 << bit;
      input.values[bit] = rows.value[i];
    }
  }
  const auto by_offset = [](const Shared& a, const Shared& b) { return a.offset < b.offset; };
  std::stable_sort(inputs.begin(), inputs.end(), by_offset);
  std::size_t count = 0;
  for (const Shared& input : inputs) {
    if (count == 0 || inputs[count - 1].offset != input.offset) {
      inputs[count++] = input;
      continue;
    }
    Shared& same = inputs[count - 1];
    same.pattern |= input.pattern;
    for (int row = 0; row < kRows; row++) same.values[row] += input.values[row];
  }
  inputs.resize(count);
  const auto by_pattern = [](const Shared& a, const Shared& b) { return a.pattern < b.pattern; };
  std::stable_sort(inputs.begin(), inputs.end(), by_pattern);
  return inputs;
}

}  // namespace

PatternRows::PatternRows(const PanelRows& from) : rows(from.rows), blocks(from.blocks), base(from.base) {
  for (std::int64_t block = 0; block < blocks; block++) {
    for (std::int64_t group = 0; group < groups(); group++) {
      first_input.push_back(static_cast<std::int64_t>(offset.size()));
      first_weight.push_back(static_cast<std::int64_t>(value.size()));
      inputs.resize(inputs.size() + kPatterns);
      for (const Shared& input : InputsOf(from, block, group)) {
        inputs[inputs.size() - kPatterns + input.pattern - 1]++;
        offset.push_back(input.offset);
        for (int row = 0; row < kRows; row++) {
          if (input.pattern >> row & 1) value.push_back(input.values[row]);
        }
      }
    }
  }
  // Sessions are kept for long.
  offset.shrink_to_fit(), value.shrink_to_fit();
}

PanelRows PatternRows::Apart() const {
  PanelRows apart;
  apart.rows = rows, apart.blocks = blocks, apart.base = base;
  std::vector<std::pair<std::uint32_t, float>> own[kRows];
  for (std::int64_t block = 0; block < blocks; block++) {
    for (std::int64_t group = 0; group < groups(); group++) {
      const std::int64_t here = block * groups() + group;
      std::int64_t input = first_input[here], weight = first_weight[here];
      for (auto& row : own) row.clear();
      for (int pattern = 1; pattern <= kPatterns; pattern++) {
        const std::int64_t end = input + inputs[here * kPatterns + pattern - 1];
        for (; input < end; input++) {
          for (int row = 0; row < kRows; row++) {
            if (pattern >> row & 1) own[row].emplace_back(offset[input], value[weight++]);
          }
        }
      }
      for (std::int64_t row = group * kRows; row < std::min((group + 1) * kRows, rows); row++) {
        auto& kept = own[row % kRows];
        std::sort(kept.begin(), kept.end());
        apart.begins.push_back(static_cast<std::int64_t>(apart.value.size()));
        for (const auto& [at, of] : kept) apart.offset.push_back(at), apart.value.push_back(of);
      }
    }
    apart.begins.push_back(static_cast<std::int64_t>(apart.value.size()));
  }
  return apart;
}

std::int64_t PatternRows::bytes() const {
  return static_cast<std::int64_t>(
      (base.size() + first_input.size() + first_weight.size()) * sizeof(base[0]) +
      (inputs.size() + offset.size()) * sizeof(offset[0]) + value.size() * sizeof(value[0]));
}

std::vector<std::int64_t> PatternRows::Parts(std::int64_t count) const {
  std::vector<std::int64_t> before(groups() + 1, 0);  // weights in front of each group, in all blocks
  for (std::int64_t group = 0; group < groups(); group++) {
    before[group + 1] = before[group] + 1;  // an empty group takes time too
    for (std::int64_t here = group; here < blocks * groups(); here += groups()) {
      const bool last = here + 1 == blocks * groups();
      const auto end = last ? static_cast<std::int64_t>(value.size()) : first_weight[here + 1];
      before[group + 1] += end - first_weight[here];
    }
  }
  return EvenParts(before, count);
}

void Multiply(const PatternRows& weight, std::int64_t first, std::int64_t last, const float* x,
              std::int64_t width, const Epilogue& epilogue, float* y, std::int64_t stride, Isa isa) {
  const Groups groups{weight, first, last, x, epilogue, y, stride};
#if defined(__x86_64__)
  if (isa == Isa::kAvx512) return Avx512(groups, width);
#endif
  Baseline(groups, width);
}

}  // namespace torch_prune
