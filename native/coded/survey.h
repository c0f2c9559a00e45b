#pragma once
#include <cstdint>
#include <vector>

#include "matrix.h"

namespace torch_prune::coded {

inline constexpr int kSharedBits = 12;
inline constexpr std::size_t kMostShared = std::size_t{1} << kSharedBits;
inline constexpr int kMostPeriod = 63;

// What a writer must know of a tensor before it codes it.
struct Survey {
  std::int64_t standing = 0;
  // The different values, ascending, where there are few enough of them to be worth a table.
  std::vector<std::uint32_t> shared;
  // How many of the last bits are 0 in all values that stand.
  int zeros = 0;
  // The distance at which columns are alike, such as the width of the images that a layer reads; 0 for none.
  int period = 0;
};

enum class Flaw { kNone, kNaN, kPrunedIsNotZero };

// `at` gets the place of the flaw.
Flaw FindFlaw(const Matrix& matrix, std::int64_t& at);
Survey Look(const Matrix& matrix);

// Floats in the order of their values; their bits are in another one. -0 comes before +0.
std::uint32_t OrderOf(std::uint32_t bits);

}  // namespace torch_prune::coded
