#pragma once
#include <algorithm>
#include <cstdint>
#include <vector>

namespace torch_prune {

// Cuts a list into parts of about the same work, of which `before` tells how much is in front of each item,
// and at its end, all of it. The first item of each part; and the number of items.
inline std::vector<std::int64_t> EvenParts(const std::vector<std::int64_t>& before, std::int64_t count) {
  std::vector<std::int64_t> parts;
  for (std::int64_t part = 0; part < count; part++) {
    const auto first = std::lower_bound(before.begin(), before.end(), before.back() * part / count);
    parts.push_back(first - before.begin());
  }
  parts.push_back(static_cast<std::int64_t>(before.size()) - 1);
  return parts;
}

}  // namespace torch_prune
