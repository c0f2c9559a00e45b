#pragma once
#include <ATen/core/Tensor.h>
#include <napi.h>

#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <vector>

#include "errors.h"

// The border: converts JavaScript values to checked C++ values. `what` names the value in errors.
//
// Reading an array's element or an object's field may run JavaScript (a getter, a proxy), which may dispose
// of handles, start jobs, and resize or detach buffers. So each value is read once into C++, and values that
// the caller can still change, and pointers into its memory, are looked at after everything else has been
// read.
namespace torch_prune {

std::string ToString(const Napi::Value& value, const char* what);
double ToNumber(const Napi::Value& value, const char* what);
std::int64_t ToInteger(const Napi::Value& value, const char* what);
bool ToBoolean(const Napi::Value& value, const char* what);
Napi::Object ToObject(const Napi::Value& value, const char* what);
Napi::Array ToArray(const Napi::Value& value, const char* what);
Napi::Function ToFunction(const Napi::Value& value, const char* what);
std::vector<std::int64_t> ToIntegers(const Napi::Value& value, const char* what);
std::vector<double> ToNumbers(const Napi::Value& value, const char* what);  // array or Float64Array
std::vector<std::string> ToStrings(const Napi::Value& value, const char* what);

// The memory of a typed array at this moment. Use it before any other JavaScript value is read.
std::span<const std::uint8_t> BytesOf(const Napi::Value& value, const char* what);

// Paths as the system has them, with any bytes: a typed array in which each path is followed by a zero byte.
std::vector<std::string> ToPaths(const Napi::Value& value, const char* what);

// The sizes of a tensor: whole, not negative, and with a product that fits into memory's address range.
std::vector<std::int64_t> ToShape(const Napi::Value& value, const char* what);

at::ScalarType ToDType(const Napi::Value& value, const char* what);
const char* DTypeName(at::ScalarType dtype);

// Parses 'cpu', 'cuda' or 'cuda:N'; throws ERR_DEVICE if there is no such device.
at::Device ToDevice(const Napi::Value& value, const char* what);
std::string DeviceName(const at::Device& device);

// The fields of an options object. Each is read once, and those with a fallback may be left out.
class Options {
 public:
  Options(const Napi::Value& value, const char* what) : object_(ToObject(value, what)) {}
  bool Has(const char* name) const {
    const Napi::Value value = Get(name);
    return !value.IsUndefined() && !value.IsNull();
  }
  Napi::Value Get(const char* name) const {
    const auto known = read_.find(name);
    return known != read_.end() ? known->second : read_.emplace(name, object_.Get(name)).first->second;
  }
  std::string String(const char* name) const { return ToString(Get(name), name); }
  double Number(const char* name) const { return ToNumber(Get(name), name); }
  double Number(const char* name, double fallback) const { return Has(name) ? Number(name) : fallback; }
  std::int64_t Integer(const char* name) const { return ToInteger(Get(name), name); }
  std::int64_t Integer(const char* name, std::int64_t fallback) const {
    return Has(name) ? Integer(name) : fallback;
  }
  bool Boolean(const char* name, bool fallback) const {
    return Has(name) ? ToBoolean(Get(name), name) : fallback;
  }

 private:
  Napi::Object object_;
  mutable std::map<std::string, Napi::Value> read_;
};

}  // namespace torch_prune
