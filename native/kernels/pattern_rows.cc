#include "pattern_rows.h"

#include <algorithm>
#include <utility>

#include "even_parts.h"
#include "vectors.h"

namespace torch_prune {
namespace {

// With 32 registers, seven sums of three rows and their inputs have room; with 16, fourteen of one.
constexpr StripShape kBaseline{4, 14, 1}, kAvx2{8, 14, 1}, kAvx512{16, 7, PatternRows::kMostTogether};

struct Task {
  const PatternRows& weight;
  std::int64_t block, first, last;
  const float* x;
  std::int64_t height;
  const Epilogue& epilogue;
  float* y;
};

// Where a loop is in the weights.
struct Place {
  const std::uint16_t* line;
  const float* value;
};

// The inputs that the rows of one pattern keep.
template <typename Of, int Rows, int Height, int Pattern>
TORCH_PRUNE_INLINE void AddPattern(int count, Place& at, const float* x,
                                   typename Of::Vec (&sum)[Rows][Height]) {
  using Vec = typename Of::Vec;
  for (; count > 0; count--) {
    const float* from = x + std::int64_t{*at.line++} * Of::kLanes;
    Vec input[Height];
#pragma GCC unroll 16
    for (int line = 0; line < Height; line++)
      input[line] = *reinterpret_cast<const Vec*>(from + line * Of::kLanes);
#pragma GCC unroll 16
    for (int row = 0; row < Rows; row++) {
      if ((Pattern >> row & 1) == 0) continue;
      const float factor = *at.value++;
#pragma GCC unroll 16
      for (int line = 0; line < Height; line++) sum[row][line] += factor * input[line];
    }
  }
}

template <typename Of, int Rows, int Height, int... Pattern>
TORCH_PRUNE_INLINE void AddPatterns(std::integer_sequence<int, Pattern...>, const std::uint16_t* inputs,
                                    Place at, const float* x, typename Of::Vec (&sum)[Rows][Height]) {
  (AddPattern<Of, Rows, Height, Pattern + 1>(inputs[Pattern], at, x, sum), ...);
}

template <typename Of, int Rows, int Height>
TORCH_PRUNE_INLINE void AddGroups(const Task& task) {
  using Vec = typename Of::Vec;
  constexpr int kPatterns = (1 << Rows) - 1;
  const auto& [weight, block, first, last, x, height, epilogue, outputs] = task;
  const bool begins = block == 0, ends = block + 1 == weight.blocks;
  const Vec lowest = Vec{} + epilogue.lowest, highest = Vec{} + epilogue.highest;
  for (std::int64_t group = first; group < last; group++) {
    const std::int64_t here = block * weight.groups() + group;
    const std::int64_t input = weight.first_input[here];
    if (input == weight.first_input[here + 1] && !begins && !ends) continue;
    float* y = outputs + (group - first) * Rows * Height * Of::kLanes;
    Vec sum[Rows][Height];
#pragma GCC unroll 16
    for (int row = 0; row < Rows; row++) {
      const std::int64_t output = group * Rows + row;
      const bool biased = begins && epilogue.bias != nullptr && output < weight.rows;
      const Vec bias = Vec{} + (biased ? epilogue.bias[output] : 0.0f);
#pragma GCC unroll 16
      for (int line = 0; line < Height; line++)
        sum[row][line] =
            begins ? bias : *reinterpret_cast<const Vec*>(y + (row * Height + line) * Of::kLanes);
    }
    AddPatterns<Of, Rows, Height>(
        std::make_integer_sequence<int, kPatterns>{}, weight.inputs.data() + here * kPatterns,
        {weight.line.data() + input, weight.value.data() + weight.first_weight[here]}, x, sum);
#pragma GCC unroll 16
    for (int row = 0; row < Rows; row++) {
#pragma GCC unroll 16
      for (int line = 0; line < Height; line++) {
        Vec& s = sum[row][line];
        if (ends) {
          s = s < lowest ? lowest : s;
          s = s > highest ? highest : s;
        }
        *reinterpret_cast<Vec*>(y + (row * Height + line) * Of::kLanes) = s;
      }
    }
  }
}

template <typename Of, int Rows, int Height>
TORCH_PRUNE_INLINE void OfHeight(const Task& task) {
  if (task.height == Height) return AddGroups<Of, Rows, Height>(task);
  if constexpr (Height > 1) OfHeight<Of, Rows, Height - 1>(task);
}

void Baseline(const Task& task) {
  OfHeight<Of4, kBaseline.together, kBaseline.tallest>(task);
}

#if defined(__x86_64__)
TORCH_PRUNE_AVX2 void Avx2(const Task& task) {
  OfHeight<Of8, kAvx2.together, kAvx2.tallest>(task);
}

TORCH_PRUNE_AVX512 void Avx512(const Task& task) {
  OfHeight<Of16, kAvx512.together, kAvx512.tallest>(task);
}
#endif

}  // namespace

StripShape ShapeOf(Isa isa) {
  if (isa == Isa::kAvx512) return kAvx512;
  return isa == Isa::kAvx2 ? kAvx2 : kBaseline;
}

PatternRows::PatternRows(std::int64_t rows, std::int64_t blocks, std::int64_t together)
    : rows(rows), blocks(blocks), together(together), first_input{0}, first_weight{0} {}

void PatternRows::Append(const std::vector<Input>& all) {
  std::vector<std::vector<const Input*>> by_pattern(patterns() + 1);
  for (const Input& input : all) {
    std::size_t pattern = 0;
    for (std::size_t row = 0; row < input.weights.size(); row++) {
      if (input.weights[row] != 0) pattern |= std::size_t{1} << row;
    }
    by_pattern[pattern].push_back(&input);
  }
  for (std::int64_t pattern = 1; pattern <= patterns(); pattern++) {
    inputs.push_back(static_cast<std::uint16_t>(by_pattern[pattern].size()));
    for (const Input* input : by_pattern[pattern]) {
      line.push_back(input->line);
      for (const float weight : input->weights) {
        if (weight != 0) value.push_back(weight);
      }
    }
  }
  first_input.push_back(static_cast<std::int64_t>(line.size()));
  first_weight.push_back(static_cast<std::int64_t>(value.size()));
}

std::vector<PatternRows::Input> PatternRows::InputsOf(std::int64_t block, std::int64_t group) const {
  const std::int64_t here = block * groups() + group;
  std::int64_t input = first_input[here], weight = first_weight[here];
  std::vector<Input> all;
  for (std::int64_t pattern = 1; pattern <= patterns(); pattern++) {
    for (int left = inputs[here * patterns() + pattern - 1]; left > 0; left--) {
      Input& next = all.emplace_back(Input{line[input++], {}});
      for (std::int64_t row = 0; row < together; row++) {
        if (pattern >> row & 1) next.weights[row] = value[weight++];
      }
    }
  }
  return all;
}

std::int64_t PatternRows::bytes() const {
  return static_cast<std::int64_t>((first_input.size() + first_weight.size()) * sizeof(first_input[0]) +
                                   (inputs.size() + line.size()) * sizeof(line[0]) +
                                   value.size() * sizeof(value[0]));
}

std::vector<std::int64_t> PatternRows::Parts(std::int64_t count) const {
  std::vector<std::int64_t> before(groups() + 1, 0);  // weights in front of each group, in all blocks
  for (std::int64_t group = 0; group < groups(); group++) {
    before[group + 1] = before[group] + 1;  // an empty group takes time too
    for (std::int64_t here = group; here < blocks * groups(); here += groups())
      before[group + 1] += first_weight[here + 1] - first_weight[here];
  }
  return EvenParts(before, count);
}

void Multiply(const PatternRows& weight, std::int64_t block, std::int64_t first, std::int64_t last,
              const float* x, std::int64_t height, const Epilogue& epilogue, float* y, Isa isa) {
  const Task task{weight, block, first, last, x, height, epilogue, y};
#if defined(__x86_64__)
  if (isa == Isa::kAvx512) return Avx512(task);
  if (isa == Isa::kAvx2) return Avx2(task);
#endif
  Baseline(task);
}

}  // namespace torch_prune
