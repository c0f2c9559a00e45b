#pragma once
#include <bit>
#include <cstdint>
#include <unordered_map>
#include <vector>

#include "compact.h"

// Values of a small table, by their places in it, each predicted from the one before it in its row.
namespace torch_prune::coded {

inline constexpr int kBuckets = 9;

class SharedValues {
 public:
  SharedValues(const Tables& tables, const Head& head)
      : tables_(tables), head_(head), mixer_(kInputs, 16, 65536 / 2) {
    if (!head.is_shared) return;
    depth_ = std::bit_width(head.shared.size() - 1);
    const std::size_t nodes = std::size_t{1} << depth_;
    plain_.resize(nodes);
    by_left_.resize(nodes * kBuckets);
    for (std::size_t i = 0; i < head.shared.size(); ++i)
      places_[head.shared[i]] = static_cast<std::uint32_t>(i);
  }

  void BeginRow() { left_ = 0; }

  template <typename Coder>
  std::uint32_t Code(Coder& coder, std::uint32_t value) {
    const std::uint32_t index = Coder::kEncodes ? places_.find(value)->second : 0;
    std::uint32_t node = 1;
    for (int i = depth_ - 1; i >= 0; --i) {
      Counter& plain = plain_[node];
      Counter& left = by_left_[node * kBuckets + left_];
      mixer_.Add(tables_.stretch[plain.Probability()]);
      mixer_.Add(tables_.stretch[left.Probability()]);
      const int bit = coder.Bit(index >> i & 1, mixer_.Mix(depth_ - i, tables_));
      mixer_.Update(bit, kRate);
      plain.Update(bit, kLimit, tables_);
      left.Update(bit, kLimit, tables_);
      node = node << 1 | static_cast<std::uint32_t>(bit);
    }
    const std::uint32_t coded = node - (1u << depth_);
    if (coded >= head_.shared.size()) coder.Refuse("a value outside its table");
    left_ = static_cast<std::uint8_t>(1 + coded * 8 / head_.shared.size());
    return head_.shared[coded];
  }

 private:
  static constexpr int kInputs = 2;
  static constexpr int kRate = 15;
  static constexpr std::int32_t kLimit = 1023;

  const Tables& tables_;
  const Head& head_;
  Mixer mixer_;
  int depth_ = 0;
  std::vector<Counter> plain_, by_left_;
  int left_ = 0;
  std::unordered_map<std::uint32_t, std::uint32_t> places_;
};

}  // namespace torch_prune::coded
