#include "arguments.h"

#include <torch/cuda.h>

#include <algorithm>
#include <array>
#include <cmath>

namespace torch_prune {
namespace {

// Describes a value in an error. Objects are not asked, because their toString() may do anything.
std::string Shown(const Napi::Value& value) {
  switch (value.Type()) {
    case napi_null:
      return "null";
    case napi_symbol:
      return "a symbol";
    case napi_function:
      return "a function";
    case napi_object:
      return value.IsArray() ? "an array" : value.IsTypedArray() ? "a typed array" : "an object";
    case napi_external:
      return "a native value";
    default:
      return value.ToString().Utf8Value().substr(0, 60);
  }
}

[[noreturn]] void Refuse(const char* what, const char* expected, const Napi::Value& value) {
  throw Error("ERR_ARGUMENT", std::string(what) + " must be " + expected + ", got " + Shown(value));
}

struct NamedDType {
  at::ScalarType dtype;
  const char* name;
};
constexpr std::array kDTypes{
    NamedDType{at::kDouble, "float64"}, NamedDType{at::kFloat, "float32"},
    NamedDType{at::kHalf, "float16"},   NamedDType{at::kBFloat16, "bfloat16"},
    NamedDType{at::kLong, "int64"},     NamedDType{at::kInt, "int32"},
    NamedDType{at::kShort, "int16"},    NamedDType{at::kChar, "int8"},
    NamedDType{at::kByte, "uint8"},     NamedDType{at::kBool, "bool"},
};

template <typename Element, typename Convert>
std::vector<Element> ToVector(const Napi::Value& value, const char* what, Convert convert) {
  const Napi::Array array = ToArray(value, what);
  // The length is read only once, because an element that is a getter could add others forever. Nothing is
  // reserved based on it, because a JavaScript array may be long and empty.
  const std::uint32_t length = array.Length();
  std::vector<Element> elements;
  for (std::uint32_t i = 0; i < length; ++i) elements.push_back(convert(array.Get(i), what));
  return elements;
}

}  // namespace

std::string ToString(const Napi::Value& value, const char* what) {
  if (!value.IsString()) Refuse(what, "a string", value);
  return value.As<Napi::String>().Utf8Value();
}

double ToNumber(const Napi::Value& value, const char* what) {
  if (!value.IsNumber()) Refuse(what, "a number", value);
  return value.As<Napi::Number>().DoubleValue();
}

std::int64_t ToInteger(const Napi::Value& value, const char* what) {
  if (value.IsBigInt()) {
    bool lossless = false;
    const std::int64_t integer = value.As<Napi::BigInt>().Int64Value(&lossless);
    if (!lossless) Refuse(what, "an integer of 64 bits", value);
    return integer;
  }
  const double number = ToNumber(value, what);
  constexpr double kLargestSafe = 9007199254740991.0;
  if (std::floor(number) != number || std::abs(number) > kLargestSafe) Refuse(what, "an integer", value);
  return static_cast<std::int64_t>(number);
}

bool ToBoolean(const Napi::Value& value, const char* what) {
  if (!value.IsBoolean()) Refuse(what, "true or false", value);
  return value.As<Napi::Boolean>().Value();
}

Napi::Object ToObject(const Napi::Value& value, const char* what) {
  if (!value.IsObject()) Refuse(what, "an object", value);
  return value.As<Napi::Object>();
}

Napi::Array ToArray(const Napi::Value& value, const char* what) {
  if (!value.IsArray()) Refuse(what, "an array", value);
  return value.As<Napi::Array>();
}

Napi::Function ToFunction(const Napi::Value& value, const char* what) {
  if (!value.IsFunction()) Refuse(what, "a function", value);
  return value.As<Napi::Function>();
}

std::vector<std::int64_t> ToIntegers(const Napi::Value& value, const char* what) {
  return ToVector<std::int64_t>(value, what, ToInteger);
}

std::vector<double> ToNumbers(const Napi::Value& value, const char* what) {
  if (value.IsTypedArray() && value.As<Napi::TypedArray>().TypedArrayType() == napi_float64_array) {
    const auto bytes = BytesOf(value, what);
    std::vector<double> numbers(bytes.size() / sizeof(double));
    std::copy(bytes.begin(), bytes.end(), reinterpret_cast<std::uint8_t*>(numbers.data()));
    return numbers;
  }
  return ToVector<double>(value, what, ToNumber);
}

std::vector<std::string> ToStrings(const Napi::Value& value, const char* what) {
  return ToVector<std::string>(value, what, ToString);
}

std::span<const std::uint8_t> BytesOf(const Napi::Value& value, const char* what) {
  if (!value.IsTypedArray()) Refuse(what, "a typed array", value);
  // This calls Node-API directly: node-addon-api's classes require an ArrayBuffer, but the memory may be
  // shared.
  void* data = nullptr;
  std::size_t elements = 0;
  napi_get_typedarray_info(value.Env(), value, nullptr, &elements, &data, nullptr, nullptr);
  if (data == nullptr) return {};
  return {static_cast<const std::uint8_t*>(data), elements * value.As<Napi::TypedArray>().ElementSize()};
}

std::vector<std::string> ToPaths(const Napi::Value& value, const char* what) {
  const auto bytes = BytesOf(value, what);
  std::vector<std::string> paths;
  for (auto at = bytes.begin(); at != bytes.end();) {
    const auto end = std::find(at, bytes.end(), 0);
    if (end == bytes.end()) throw Error("ERR_ARGUMENT", std::string(what) + " must end with a zero");
    paths.emplace_back(at, end);
    at = end + 1;
  }
  return paths;
}

std::vector<std::int64_t> ToShape(const Napi::Value& value, const char* what) {
  auto shape = ToIntegers(value, what);
  std::int64_t elements = 1;
  for (const std::int64_t size : shape) {
    if (size < 0)
      throw Error("ERR_SHAPE", std::string(what) + " has a negative size, " + std::to_string(size));
    if (__builtin_mul_overflow(elements, size, &elements) || elements > (std::int64_t{1} << 56)) {
      throw Error("ERR_MEMORY", std::string(what) + " asks for more elements than memory can hold");
    }
  }
  return shape;
}

at::ScalarType ToDType(const Napi::Value& value, const char* what) {
  const std::string name = ToString(value, what);
  for (const auto& known : kDTypes) {
    if (name == known.name) return known.dtype;
  }
  throw Error("ERR_DTYPE",
              std::string(what) + " is '" + name +
                  "', which is none of float64, float32, float16, bfloat16, int64, int32, int16, "
                  "int8, uint8, bool");
}

const char* DTypeName(at::ScalarType dtype) {
  for (const auto& known : kDTypes) {
    if (dtype == known.dtype) return known.name;
  }
  throw Error("ERR_DTYPE", std::string("tensors of ") + c10::toString(dtype) + " are not supported");
}

at::Device ToDevice(const Napi::Value& value, const char* what) {
  const std::string name = ToString(value, what);
  if (name == "cpu") return at::Device(at::kCPU);
  const bool indexed = name.rfind("cuda:", 0) == 0 && name.size() > 5 && name.size() <= 8 &&
                       name.find_first_not_of("0123456789", 5) == std::string::npos;
  if (name != "cuda" && !indexed) {
    throw Error("ERR_DEVICE", std::string(what) + " is '" + name + "': expected 'cpu', 'cuda' or 'cuda:N'");
  }
  const int index = indexed ? std::stoi(name.substr(5)) : 0;
  const auto count = static_cast<int>(torch::cuda::device_count());
  if (index >= count) {
    throw Error("ERR_DEVICE", "there is no device '" + name + "' (" + std::to_string(count) +
                                  " CUDA devices found): use 'cpu', or run 'torch-prune doctor' to see why");
  }
  return at::Device(at::kCUDA, static_cast<c10::DeviceIndex>(index));
}

std::string DeviceName(const at::Device& device) {
  return device.str();
}

}  // namespace torch_prune
