#include "range.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>

#include "errors.h"

namespace torch_prune {

bool Range::Holds(double value) const {
  const bool bounded = least != -kNone || most != kNone || over != -kNone || under != kNone;
  if (!bounded) return true;
  return value >= least && value <= most && (over == -kNone || value > over) &&
         (under == kNone || value < under);
}

// The number as JavaScript shows it, but for the plus sign of 1e+20.
std::string Range::Shown(double value) {
  if (std::isnan(value)) return "NaN";
  if (std::isinf(value)) return value > 0 ? "Infinity" : "-Infinity";
  std::array<char, 32> digits{};
  const auto end = std::to_chars(digits.data(), digits.data() + digits.size(), value).ptr;
  std::string shown(digits.data(), end);
  std::erase(shown, '+');
  return shown;
}

std::string Range::InWords() const {
  if (least != -kNone && most != kNone) return "in " + Shown(least) + ".." + Shown(most);
  std::string from, to;
  if (least != -kNone) from = Shown(least) + " or more";
  if (over != -kNone) from = "over " + Shown(over);
  if (most != kNone) to = "up to " + Shown(most);
  if (under != kNone) to = "under " + Shown(under);
  return from.empty() || to.empty() ? from + to : from + " and " + to;
}

void Range::Describe(Napi::Object& description) const {
  if (least != -kNone) description.Set("least", least);
  if (most != kNone) description.Set("most", most);
  if (over != -kNone) description.Set("over", over);
  if (under != kNone) description.Set("under", under);
}

void Range::Refuse(const std::string& what, const std::string& shown) const {
  throw Error("ERR_ARGUMENT", what + " must be " + InWords() + ", got " + shown);
}

}  // namespace torch_prune
