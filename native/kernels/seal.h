#pragma once
#include <cstdint>

namespace torch_prune {

// Writes +0 wherever `keep` is false. By selection of bits, so infinities and NaN go as well.
void SealPass(float* values, const bool* keep, std::int64_t count);

}  // namespace torch_prune
