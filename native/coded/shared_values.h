#pragma once
#include <algorithm>
#include <bit>
#include <cstdint>
#include <unordered_map>
#include <vector>

#include "compact.h"

// Values of a small table, by their places in it, each predicted from the one before it in its row, and,
// where columns have a period, from the signs of those around it.
namespace torch_prune::coded {

inline constexpr int kBuckets = 9;
// A sum of signs around, from -7 to 7.
inline constexpr int kMostSigns = 7;
inline constexpr int kSigns = 2 * kMostSigns + 1;

class SharedValues {
 public:
  SharedValues(const Tables& tables, const Head& head, std::int64_t columns)
      : tables_(tables), head_(head), mixer_(kInputs, 16, 65536 / 2) {
    if (!head.is_shared) return;
    depth_ = std::bit_width(head.shared.size() - 1);
    const std::size_t nodes = std::size_t{1} << depth_;
    plain_.resize(nodes);
    by_left_.resize(nodes * kBuckets);
    if (head.period > 0) {
      by_signs_.resize(nodes * kSigns);
      signs_.resize(columns + 2 * kMargin);
    }
    for (std::size_t i = 0; i < head.shared.size(); ++i)
      places_[head.shared[i]] = static_cast<std::uint32_t>(i);
  }

  void BeginRow() {
    left_ = 0;
    std::fill(signs_.begin(), signs_.end(), std::int8_t{0});
  }

  template <typename Coder>
  std::uint32_t Code(Coder& coder, std::uint32_t value, std::int64_t column) {
    const int signs = signs_.empty() ? 0 : SignsAround(column);
    const std::uint32_t index = Coder::kEncodes ? places_.find(value)->second : 0;
    std::uint32_t node = 1;
    for (int i = depth_ - 1; i >= 0; --i) {
      Counter& plain = plain_[node];
      Counter& left = by_left_[node * kBuckets + left_];
      mixer_.Add(tables_.stretch[plain.Probability()]);
      mixer_.Add(tables_.stretch[left.Probability()]);
      Counter* by_signs = signs_.empty() ? nullptr : &by_signs_[node * kSigns + signs];
      mixer_.Add(by_signs ? tables_.stretch[by_signs->Probability()] : 0);
      const int bit = coder.Bit(index >> i & 1, mixer_.Mix(depth_ - i, tables_));
      mixer_.Update(bit, kRate);
      plain.Update(bit, kLimit, tables_);
      left.Update(bit, kLimit, tables_);
      if (by_signs) by_signs->Update(bit, kLimit, tables_);
      node = node << 1 | static_cast<std::uint32_t>(bit);
    }
    const std::uint32_t coded = node - (1u << depth_);
    if (coded >= head_.shared.size()) coder.Refuse("a value outside its table");
    left_ = static_cast<std::uint8_t>(1 + coded * 8 / head_.shared.size());
    const std::uint32_t read = head_.shared[coded];
    if (!signs_.empty())
      signs_[kMargin + column] = static_cast<std::int8_t>(read << 1 == 0 ? 0 : read >> 31 ? -1 : 1);
    return read;
  }

 private:
  static constexpr int kInputs = 3;
  static constexpr int kRate = 14;
  // Before the first column and after the last nothing has a sign.
  static constexpr int kMargin = 2 * kMostPeriod + 2;

  // The signs of those before it in its row and of those one and two periods before, nearer ones twice.
  int SignsAround(std::int64_t column) const {
    const std::int8_t* here = signs_.data() + kMargin + column;
    const std::int8_t* before = here - head_.period;
    const std::int8_t* far = before - head_.period;
    const int sum = 2 * (here[-1] + before[-1] + before[0] + before[1]) + here[-2] + before[-2] + before[2] +
                    far[-1] + far[0] + far[1];
    return std::clamp(sum, -kMostSigns, kMostSigns) + kMostSigns;
  }
  static constexpr std::int32_t kLimit = 1023;

  const Tables& tables_;
  const Head& head_;
  Mixer mixer_;
  int depth_ = 0;
  std::vector<Counter> plain_, by_left_, by_signs_;
  std::vector<std::int8_t> signs_;
  int left_ = 0;
  std::unordered_map<std::uint32_t, std::uint32_t> places_;
};

}  // namespace torch_prune::coded
