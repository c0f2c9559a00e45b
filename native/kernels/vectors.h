#pragma once
#include <cstdint>

namespace torch_prune {

// Vectors of so many floats, at any address. They are members, since a template's argument would lose the
// alignment.
struct Of4 {
  typedef float Vec __attribute__((vector_size(16), aligned(4), may_alias));
  static constexpr std::int64_t kLanes = 4;
};
struct Of8 {
  typedef float Vec __attribute__((vector_size(32), aligned(4), may_alias));
  static constexpr std::int64_t kLanes = 8;
};
struct Of16 {
  typedef float Vec __attribute__((vector_size(64), aligned(4), may_alias));
  static constexpr std::int64_t kLanes = 16;
};

}  // namespace torch_prune
