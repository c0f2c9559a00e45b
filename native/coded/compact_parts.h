#pragma once
#include <cstdint>
#include <vector>

#include "model.h"

// Parts that heads and rows are coded with.
namespace torch_prune::coded {

inline constexpr std::int32_t kSlow = kMostRate - 1;

template <typename Coder>
int CodeBit(Coder& coder, Counter& counter, int bit, const Tables& tables, std::int32_t limit = kSlow) {
  bit = coder.Bit(bit, counter.Probability());
  counter.Update(bit, limit, tables);
  return bit;
}

// A number of `depth` bits, the highest first, each by a counter of those before it. `tree` has 2^depth
// counters.
template <typename Coder>
std::uint32_t CodeTree(Coder& coder, Counter* tree, int depth, std::uint32_t value, const Tables& tables,
                       std::int32_t limit = 255) {
  std::uint32_t node = 1;
  for (int i = depth - 1; i >= 0; --i) {
    const int bit = CodeBit(coder, tree[node], value >> i & 1, tables, limit);
    node = node << 1 | static_cast<std::uint32_t>(bit);
  }
  return node - (1u << depth);
}

// A number of up to 32 bits that are equally likely.
template <typename Coder>
std::uint32_t CodeBits(Coder& coder, std::uint32_t value, int count) {
  std::uint32_t read = 0;
  while (count > 0) {
    const int now = count < 8 ? count : 8;
    count -= now;
    read = read << now | coder.Bits(value >> count & ((1u << now) - 1), now);
  }
  return read;
}

// The bits of a float32 whose last `zeros` bits are 0. `before` is the float before it.
template <typename Coder, typename Models>
std::uint32_t CodeFloat(Coder& coder, Models& models, std::uint32_t value, int zeros, std::uint32_t before) {
  const Tables& tables = models.tables;
  if (CodeBit(coder, models.is_zero[before == 0], value == 0, tables, 255)) return 0;
  const auto sign = static_cast<std::uint32_t>(
      CodeBit(coder, models.sign[before >> 31], static_cast<int>(value >> 31), tables, 255));
  const auto exponent = CodeTree(coder, models.exponent.data(), 8, value >> 23 & 255, tables);
  const int width = 23 - zeros;
  const int modelled = width < 3 ? width : 3;
  const auto mantissa = value >> zeros & ((1u << width) - 1);
  auto coded = CodeTree(coder, models.mantissa.data(), modelled, mantissa >> (width - modelled), tables);
  const int rest = width - modelled;
  coded = coded << rest | CodeBits(coder, mantissa & ((1u << rest) - 1), rest);
  if (exponent == 255 && coded != 0) coder.Refuse("a value that is not a number");
  return sign << 31 | exponent << 23 | coded << zeros;
}

}  // namespace torch_prune::coded
