#include "prefix_code.h"

#include <algorithm>
#include <functional>
#include <queue>

namespace torch_prune::coded {
namespace {

// Lengths without a limit.
std::vector<std::uint8_t> TreeLengths(const std::vector<std::uint64_t>& counts) {
  struct Node {
    std::uint64_t count;
    std::size_t at;
    bool operator>(const Node& other) const {
      return count != other.count ? count > other.count : at > other.at;
    }
  };
  std::priority_queue<Node, std::vector<Node>, std::greater<>> nodes;
  std::vector<std::size_t> parents(counts.size());
  for (std::size_t symbol = 0; symbol < counts.size(); ++symbol) {
    if (counts[symbol] > 0) nodes.push({counts[symbol], symbol});
  }
  std::vector<std::uint8_t> lengths(counts.size());
  if (nodes.size() == 1) lengths[nodes.top().at] = 1;
  if (nodes.size() < 2) return lengths;
  while (nodes.size() > 1) {
    const Node a = nodes.top();
    nodes.pop();
    const Node b = nodes.top();
    nodes.pop();
    const std::size_t parent = parents.size();
    parents.push_back(parent);
    parents[a.at] = parents[b.at] = parent;
    nodes.push({a.count + b.count, parent});
  }
  for (std::size_t symbol = 0; symbol < counts.size(); ++symbol) {
    if (counts[symbol] == 0) continue;
    for (std::size_t node = symbol; parents[node] != node; node = parents[node]) ++lengths[symbol];
  }
  return lengths;
}

}  // namespace

std::vector<std::uint8_t> LengthsOf(std::vector<std::uint64_t> counts) {
  for (;;) {
    auto lengths = TreeLengths(counts);
    if (lengths.empty() || *std::max_element(lengths.begin(), lengths.end()) <= kLongestCode) return lengths;
    // Flatter counts make shorter codes.
    for (auto& count : counts) count = count == 0 ? 0 : count / 2 + 1;
  }
}

std::uint64_t SizeOf(const std::vector<std::uint64_t>& counts, const std::vector<std::uint8_t>& lengths) {
  std::uint64_t bits = 0;
  for (std::size_t symbol = 0; symbol < counts.size(); ++symbol) bits += counts[symbol] * lengths[symbol];
  return bits;
}

PrefixCode::PrefixCode(const std::vector<std::uint8_t>& lengths) : lengths_(lengths), codes_(lengths.size()) {
  for (const auto length : lengths_) ++count_[length];
  count_[0] = 0;
  std::uint32_t code = 0;
  for (int length = 1; length <= kLongestCode; ++length) {
    code = (code + count_[length - 1]) << 1;
    first_[length] = code;
    begin_[length] = begin_[length - 1] + count_[length - 1];
    if (code + count_[length] > 1u << length) fits_ = false;
  }
  if (!fits_) return;
  symbols_.resize(begin_[kLongestCode] + count_[kLongestCode]);
  auto next = first_;
  for (std::uint32_t symbol = 0; symbol < lengths_.size(); ++symbol) {
    const int length = lengths_[symbol];
    if (length == 0) continue;
    symbols_[begin_[length] + next[length] - first_[length]] = symbol;
    codes_[symbol] = next[length]++;
  }
}

}  // namespace torch_prune::coded
