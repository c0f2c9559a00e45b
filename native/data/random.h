#pragma once
#include <cstdint>

namespace torch_prune {

// The random numbers of one sample in one epoch. They depend only on (seed, sample), so neither the number of
// threads, nor their timing, nor where a run was interrupted changes what is drawn. This is SplitMix64
// (Steele, Lea and Flood 2014), with a state derived from both numbers.
class SampleRandom {
 public:
  SampleRandom(std::uint64_t seed, std::int64_t sample)
      : state_(Mix(Mix(seed + kStep) ^ static_cast<std::uint64_t>(sample))) {}

  std::uint64_t Next() { return Mix(state_ += kStep); }
  // Returns a number in [0, 1).
  double Uniform() { return static_cast<double>(Next() >> 11) * 0x1.0p-53; }
  double Uniform(double low, double high) { return low + Uniform() * (high - low); }
  // Returns a number in 0..count-1.
  std::int64_t Below(std::int64_t count) {
    return static_cast<std::int64_t>(
        (static_cast<unsigned __int128>(Next()) * static_cast<std::uint64_t>(count)) >> 64);
  }
  bool Coin() { return (Next() >> 63) != 0; }

 private:
  static constexpr std::uint64_t kStep = 0x9e3779b97f4a7c15;
  static std::uint64_t Mix(std::uint64_t z) {
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
    z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
    return z ^ (z >> 31);
  }

  std::uint64_t state_;
};

}  // namespace torch_prune
