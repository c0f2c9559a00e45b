#pragma once
#include <napi.h>

#include <array>
#include <concepts>
#include <limits>
#include <optional>
#include <string>
#include <type_traits>
#include <vector>

namespace torch_prune {

// Whether a range may be asked of values of a type: of numbers, and of numbers in lists, which may be left
// out.
template <typename T>
constexpr bool kIsNumeric = std::is_arithmetic_v<T>;
template <typename T>
constexpr bool kIsNumeric<std::optional<T>> = kIsNumeric<T>;
template <typename T>
constexpr bool kIsNumeric<std::vector<T>> = std::is_arithmetic_v<T>;
template <typename T, std::size_t N>
constexpr bool kIsNumeric<std::array<T, N>> = std::is_arithmetic_v<T>;

// The range of a number; lib/base/kind.ts describes ranges in the same words.
struct Range {
  static constexpr double kNone = std::numeric_limits<double>::infinity();
  double least = -kNone, most = kNone;  // bounds that are allowed themselves
  double over = -kNone, under = kNone;  // bounds that are not

  // NaN is in no range, unless nothing bounds it.
  bool Holds(double value) const;
  // The sentence "it must be ..." is completed by this: "in 0..1", "1 or more".
  std::string InWords() const;
  // Sets the bounds that there are, by these names.
  void Describe(Napi::Object& description) const;

  // Checks a number, each number of a list, or nothing. Throws ERR_ARGUMENT with `what` as the number's name.
  template <typename T>
  void Check(const T& value, const std::string& what) const {
    if constexpr (std::convertible_to<T, double>) {
      if (!Holds(static_cast<double>(value))) Refuse(what, Shown(value));
    } else if constexpr (requires { value.has_value(); }) {
      if (value) Check(*value, what);
    } else {
      for (std::size_t i = 0; i < value.size(); ++i)
        if (!Holds(static_cast<double>(value[i])))
          Refuse(what + "[" + std::to_string(i) + "]", Shown(value[i]));
    }
  }

 private:
  static std::string Shown(double value);
  static std::string Shown(std::integral auto value) { return std::to_string(value); }
  [[noreturn]] void Refuse(const std::string& what, const std::string& shown) const;
};

}  // namespace torch_prune
