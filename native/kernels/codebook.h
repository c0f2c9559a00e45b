#pragma once
#include <cstdint>

namespace torch_prune {

// Adds each value to the sum of its index. What has index 0 is left out.
void SumByIndex(const float* values, const std::uint8_t* index, std::int64_t count, double* sums);
void SumByIndex(const float* values, const std::int16_t* index, std::int64_t count, double* sums);

// Writes table[index] into each value.
void SpreadByIndex(float* values, const std::uint8_t* index, std::int64_t count, const float* table);
void SpreadByIndex(float* values, const std::int16_t* index, std::int64_t count, const float* table);

}  // namespace torch_prune
