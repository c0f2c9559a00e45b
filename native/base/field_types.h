#pragma once
#include <array>
#include <concepts>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "arguments.h"

// How the values of fields are read: a reader has a `Type`, a `Read(value, what)` that returns it, and a
// `Kind()`, which is what a test calls it when it compares the tables of fields with the TypeScript contract.
namespace torch_prune {

// The reader of a type. Other headers specialize it for the types that they define.
template <typename T>
struct FieldType;

template <typename T, T (*Convert)(const Napi::Value&, const char*)>
struct ReadBy {
  using Type = T;
  static T Read(const Napi::Value& value, const std::string& what) { return Convert(value, what.c_str()); }
};

template <>
struct FieldType<bool> : ReadBy<bool, ToBoolean> {
  static std::string Kind() { return "boolean"; }
};
template <>
struct FieldType<double> : ReadBy<double, ToNumber> {
  static std::string Kind() { return "number"; }
};
template <>
struct FieldType<std::int64_t> : ReadBy<std::int64_t, ToInteger> {
  static std::string Kind() { return "integer"; }
};
template <>
struct FieldType<std::string> : ReadBy<std::string, ToString> {
  static std::string Kind() { return "string"; }
};
template <>
struct FieldType<std::vector<double>> : ReadBy<std::vector<double>, ToNumbers> {
  static std::string Kind() { return "number[]"; }
};
template <>
struct FieldType<std::vector<std::int64_t>> : ReadBy<std::vector<std::int64_t>, ToIntegers> {
  static std::string Kind() { return "integer[]"; }
};
template <>
struct FieldType<std::vector<std::string>> : ReadBy<std::vector<std::string>, ToStrings> {
  static std::string Kind() { return "string[]"; }
};
template <>
struct FieldType<at::ScalarType> : ReadBy<at::ScalarType, ToDType> {
  static std::string Kind() { return "dtype"; }
};
template <>
struct FieldType<at::Device> : ReadBy<at::Device, ToDevice> {
  static std::string Kind() { return "device"; }
};
template <>
struct FieldType<Napi::Function> : ReadBy<Napi::Function, ToFunction> {
  static std::string Kind() { return "function"; }
};

// The integers that are narrower than JavaScript's, and those that are not negative, such as seeds.
template <typename T>
  requires std::same_as<T, int> || std::same_as<T, std::uint64_t>
struct FieldType<T> {
  using Type = T;
  static std::string Kind() { return "integer"; }
  static T Read(const Napi::Value& value, const std::string& what) {
    const auto wide = ToInteger(value, what.c_str());
    if (std::in_range<T>(wide)) return static_cast<T>(wide);
    throw Error("ERR_ARGUMENT", what + " is out of range, got " + std::to_string(wide));
  }
};

// A fixed number of values.
template <typename T, std::size_t N>
struct FieldType<std::array<T, N>> {
  using Type = std::array<T, N>;
  static std::string Kind() { return FieldType<T>::Kind() + "[" + std::to_string(N) + "]"; }
  static Type Read(const Napi::Value& value, const std::string& what) {
    const auto array = ToArray(value, what.c_str());
    if (array.Length() != N)
      throw Error("ERR_ARGUMENT", what + " must hold " + std::to_string(N) + " values, got " +
                                      std::to_string(array.Length()));
    Type values{};
    for (std::uint32_t i = 0; i < N; ++i) values[i] = FieldType<T>::Read(array.Get(i), what);
    return values;
  }
};

// The words for the values of an enumeration, as JavaScript writes them: specialize it with `kWords`, an
// array of Word<E>.
template <typename E>
struct Word {
  const char* word;
  E value;
};
template <typename E>
struct WordsOf;

template <typename E>
  requires requires { WordsOf<E>::kWords; }
struct FieldType<E> {
  using Type = E;
  static std::string Kind() { return Joined(" | ", " | "); }
  static E Read(const Napi::Value& value, const std::string& what) {
    const std::string given = ToString(value, what.c_str());
    for (const auto& [word, meant] : WordsOf<E>::kWords)
      if (given == word) return meant;
    throw Error("ERR_ARGUMENT", what + " must be " + Joined(", ", " or ") + ", got '" + given + "'");
  }

 private:
  static std::string Joined(const char* comma, const char* last) {
    std::string joined;
    const auto& words = WordsOf<E>::kWords;
    for (std::size_t i = 0; i < words.size(); ++i) {
      if (i > 0) joined += i + 1 < words.size() ? comma : last;
      joined.append("'").append(words[i].word).append("'");
    }
    return joined;
  }
};

// A reader for values that need more than their type says, such as the sizes of a tensor.
template <typename T>
struct Reader {
  using Type = T;
  const char* kind;
  T (*convert)(const Napi::Value& value, const char* what);
  std::string Kind() const { return kind; }
  T Read(const Napi::Value& value, const std::string& what) const { return convert(value, what.c_str()); }
};

constexpr Reader<std::vector<std::int64_t>> kShape{"shape", ToShape};

// The type that has a reader of its own, inside an optional value, a list, a record, or several of them.
template <typename T>
struct Innermost {
  using Type = T;
};
template <typename T>
struct Innermost<std::optional<T>> : Innermost<T> {};
template <typename T>
  requires(!requires { &FieldType<std::vector<T>>::Kind; })
struct Innermost<std::vector<T>> : Innermost<T> {};
template <typename T>
struct Innermost<std::map<std::string, T>> : Innermost<T> {};

template <typename T>
constexpr bool kIsOptional = false;
template <typename T>
constexpr bool kIsOptional<std::optional<T>> = true;
template <typename T>
constexpr bool kIsRecord = false;
template <typename T>
constexpr bool kIsRecord<std::map<std::string, T>> = true;

// Reads a T by the reader of what is inside it.
template <typename T, typename Inner>
T ReadAs(const Napi::Value& value, const std::string& what, const Inner& inner) {
  if constexpr (std::same_as<T, typename Inner::Type>) {
    return inner.Read(value, what);
  } else if constexpr (kIsOptional<T>) {
    return ReadAs<typename T::value_type>(value, what, inner);
  } else if constexpr (kIsRecord<T>) {
    const auto object = ToObject(value, what.c_str());
    T record;
    for (const auto& name : ToStrings(object.GetPropertyNames(), what.c_str()))
      record.emplace(name, ReadAs<typename T::mapped_type>(object.Get(name), what + "." + name, inner));
    return record;
  } else {
    const auto array = ToArray(value, what.c_str());
    // The length is read only once, because an element that is a getter could add others forever.
    const std::uint32_t length = array.Length();
    T list;
    for (std::uint32_t i = 0; i < length; ++i)
      list.push_back(
          ReadAs<typename T::value_type>(array.Get(i), what + "[" + std::to_string(i) + "]", inner));
    return list;
  }
}

template <typename T, typename Inner>
std::string KindAs(const Inner& inner) {
  if constexpr (std::same_as<T, typename Inner::Type>) {
    return inner.Kind();
  } else if constexpr (kIsOptional<T>) {
    return KindAs<typename T::value_type>(inner);
  } else if constexpr (kIsRecord<T>) {
    return KindAs<typename T::mapped_type>(inner) + "{}";
  } else {
    return KindAs<typename T::value_type>(inner) + "[]";
  }
}

}  // namespace torch_prune
