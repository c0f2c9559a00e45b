#pragma once
#include <array>
#include <cstdint>
#include <vector>

// Models of bits: counters that learn a probability, and mixers that weigh those of several counters. All of
// it is arithmetic on integers, and on float64 where only exact or correctly rounded operations are used:
// every reader must reach the same probabilities. lib/coded/model.ts is the same in TypeScript.
namespace torch_prune::coded {

// Probabilities in counters have 22 bits, those that bits are coded with have 16.
inline constexpr std::int32_t kCounterOne = 1 << 22;
inline constexpr int kMostRate = 1024;
// The logarithm of odds, in steps of 1/256, is cut off at 12.
inline constexpr int kMostStretch = 3071;

struct Tables {
  Tables();
  // By how much a counter that has seen n bits moves: 1 / (n + 1.5), in 1/4096.
  std::array<std::int32_t, kMostRate> rate;
  // 65536 / (1 + e^-x), for x of -kMostStretch to kMostStretch.
  std::array<std::uint16_t, 2 * kMostStretch + 1> squash;
  // Its inverse.
  std::array<std::int16_t, 65536> stretch;

  std::uint32_t Squash(int x) const {
    return squash[(x < -kMostStretch ? -kMostStretch : x > kMostStretch ? kMostStretch : x) + kMostStretch];
  }
};

const Tables& SharedTables();

// An estimate of the probability of a 1 that learns from each bit, fast at first.
struct Counter {
  std::int32_t p = kCounterOne / 2;
  std::int32_t seen = 0;

  std::uint32_t Probability() const {
    const std::uint32_t probability = static_cast<std::uint32_t>(p) >> 6;
    return probability < 1 ? 1 : probability > 65535 ? 65535 : probability;
  }
  void Update(int bit, std::int32_t limit, const Tables& tables) {
    const std::int32_t error = (bit ? kCounterOne - 1 : 0) - p;
    p += ((error >> 4) * tables.rate[seen]) >> 8;
    if (seen < limit) ++seen;
  }
};

inline constexpr int kMostInputs = 3;

// Weighs the opinions of counters. It has a set of weights for each of a few contexts.
class Mixer {
 public:
  Mixer(int inputs, int contexts, std::int32_t weight)
      : inputs_(inputs), weights_(static_cast<std::size_t>(inputs) * contexts, weight) {}

  void Add(int stretched) { stretched_[count_++] = stretched; }
  std::uint32_t Mix(int context, const Tables& tables) {
    set_ = weights_.data() + static_cast<std::size_t>(context) * inputs_;
    std::int32_t sum = 0;
    for (int i = 0; i < inputs_; ++i) sum += (stretched_[i] * set_[i]) >> 4;
    probability_ = tables.Squash(sum >> 12);
    return probability_;
  }
  // A higher shift learns more slowly.
  void Update(int bit, int shift) {
    const std::int32_t error = (bit << 16) - static_cast<std::int32_t>(probability_);
    for (int i = 0; i < inputs_; ++i) {
      const std::int32_t moved = set_[i] + ((stretched_[i] * (error >> 2) + (1 << (shift - 1))) >> shift);
      set_[i] = moved < -kMostWeight ? -kMostWeight : moved > kMostWeight ? kMostWeight : moved;
    }
    count_ = 0;
  }

 private:
  // So that products with what is stretched fit into 31 bits.
  static constexpr std::int32_t kMostWeight = (1 << 18) - 1;

  int inputs_;
  std::vector<std::int32_t> weights_;
  std::array<std::int32_t, kMostInputs> stretched_{};
  int count_ = 0;
  std::int32_t* set_ = nullptr;
  std::uint32_t probability_ = 0;
};

}  // namespace torch_prune::coded
