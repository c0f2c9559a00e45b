#pragma once
#include <bit>
#include <cstdint>
#include <optional>

namespace torch_prune::coded {

// The float32 that a float16 stands for. Its NaNs stay NaNs.
inline std::uint32_t FloatOfHalf(std::uint32_t half) {
  const std::uint32_t sign = (half & 0x8000u) << 16;
  const std::uint32_t exponent = half >> 10 & 31;
  const std::uint32_t mantissa = half & 1023;
  if (exponent == 31) return sign | 0x7f800000u | mantissa << 13;
  if (exponent > 0) return sign | (exponent + 112) << 23 | mantissa << 13;
  if (mantissa == 0) return sign;
  const int shift = std::countl_zero(mantissa) - 21;
  return sign | static_cast<std::uint32_t>(113 - shift) << 23 | (mantissa << (shift + 13) & 0x7fffffu);
}

// The float16 that is exactly a float32, if there is one.
inline std::optional<std::uint32_t> HalfOfFloat(std::uint32_t bits) {
  const std::uint32_t sign = bits >> 16 & 0x8000u;
  const auto exponent = static_cast<int>(bits >> 23 & 255) - 112;
  const std::uint32_t mantissa = bits & 0x7fffffu;
  std::uint32_t half = sign;
  if (exponent >= 31) {
    half |= 0x7c00u;
  } else if (exponent > 0) {
    half |= static_cast<std::uint32_t>(exponent) << 10 | mantissa >> 13;
  } else if (exponent > -10) {
    half |= (mantissa | 0x800000u) >> (14 - exponent);
  }
  return FloatOfHalf(half) == bits ? std::optional(half) : std::nullopt;
}

}  // namespace torch_prune::coded
