#pragma once
#include <cstdint>

namespace torch_prune {

// Writes +0 wherever `keep` is false. It selects bits, so that infinities and NaN are removed as well.
void SealPass(float* values, const bool* keep, std::int64_t count);

}  // namespace torch_prune
