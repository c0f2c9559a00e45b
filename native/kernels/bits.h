#pragma once
#include <cstdint>
#include <cstring>

#include "dispatch.h"

namespace torch_prune {

// Returns the value, or +0 if it is not kept. It selects bits, because a product would preserve NaN and the
// sign.
TORCH_PRUNE_INLINE float Selected(float value, bool keep) {
  std::uint32_t bits;
  std::memcpy(&bits, &value, sizeof bits);
  bits &= 0U - static_cast<std::uint32_t>(keep);
  std::memcpy(&value, &bits, sizeof bits);
  return value;
}

}  // namespace torch_prune
