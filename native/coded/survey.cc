#include "survey.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <unordered_set>

namespace torch_prune::coded {
namespace {

// Larger tensors are coded without looking for a period, which takes a pass for each.
constexpr std::int64_t kMostToSearch = 1 << 19;
// By how much places at a period must coincide more often than at other distances.
constexpr double kTelling = 1.1;

int FindPeriod(const Matrix& matrix, std::int64_t standing) {
  if (matrix.size() > kMostToSearch || matrix.columns < 8) return 0;
  const double density = static_cast<double>(standing) / static_cast<double>(matrix.size());
  if (density > 0.5) return 0;
  int best = 0;
  double most = 0, sum = 0;
  const auto longest = std::min<std::int64_t>(kMostPeriod, matrix.columns / 2);
  for (std::int64_t period = 3; period <= longest; ++period) {
    std::int64_t pairs = 0;
    for (std::int64_t row = 0; row < matrix.rows; ++row) {
      const auto first = row * matrix.columns;
      for (auto column = period; column < matrix.columns; ++column) {
        if (matrix.Stands(first + column) && matrix.Stands(first + column - period)) ++pairs;
      }
    }
    const double share = static_cast<double>(pairs) / static_cast<double>(matrix.columns - period);
    sum += share;
    if (share > most) {
      most = share;
      best = static_cast<int>(period);
    }
  }
  const auto distances = static_cast<double>(longest - 2);
  return most > kTelling * sum / distances ? best : 0;
}

}  // namespace

std::uint32_t OrderOf(std::uint32_t bits) {
  return bits >> 31 ? ~bits : bits | 0x80000000u;
}

Flaw FindFlaw(const Matrix& matrix, std::int64_t& at) {
  for (at = 0; at < matrix.size(); ++at) {
    const auto bits = matrix.values[at];
    if ((bits & 0x7fffffffu) > 0x7f800000u) return Flaw::kNaN;
    if (matrix.kept != nullptr && matrix.kept[at] == 0 && bits != 0) return Flaw::kPrunedIsNotZero;
  }
  return Flaw::kNone;
}

Survey Look(const Matrix& matrix) {
  Survey survey;
  std::unordered_set<std::uint32_t> different;
  std::uint32_t any = 0;
  std::uint32_t last = 0;
  for (std::int64_t i = 0; i < matrix.size(); ++i) {
    if (!matrix.Stands(i)) continue;
    const auto bits = matrix.values[i];
    any |= bits;
    if ((survey.standing++ == 0 || bits != last) && different.size() <= kMostShared) different.insert(bits);
    last = bits;
  }
  survey.zeros = any == 0 ? 23 : std::min(23, std::countr_zero(any));
  const auto shared = static_cast<double>(different.size());
  const auto standing = static_cast<double>(survey.standing);
  // About eight bits of a value are its sign and its exponent, whose code is short.
  const double raw = standing * (30 - survey.zeros);
  const double table = shared * (30 - survey.zeros) + standing * std::log2(std::max(shared, 1.0));
  if (shared > 0 && different.size() <= kMostShared && table < raw) {
    survey.shared.assign(different.begin(), different.end());
    std::sort(survey.shared.begin(), survey.shared.end(),
              [](std::uint32_t a, std::uint32_t b) { return OrderOf(a) < OrderOf(b); });
  }
  survey.period = FindPeriod(matrix, survey.standing);
  return survey;
}

}  // namespace torch_prune::coded
