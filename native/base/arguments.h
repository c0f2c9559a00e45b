#pragma once
#include <ATen/core/Tensor.h>
#include <napi.h>

#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <vector>

#include "errors.h"

// The border: JavaScript values in, checked C++ values out. `what` names the value in the error.
//
// Reading an array's element or an object's field may run JavaScript (a getter, a proxy), which may dispose
// of handles, start jobs, and resize or detach buffers. So each value is read once, into C++; what the caller
// can still change, and pointers into its memory, are looked at after all else is read.
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

// The memory of a typed array, as it is now. Read it before any other JavaScript value.
std::span<const std::uint8_t> BytesOf(const Napi::Value& value, const char* what);

// Paths as the system has them, any bytes: a typed array in which each has a zero behind it.
std::vector<std::string> ToPaths(const Napi::Value& value, const char* what);

// Sizes of a tensor: whole, not negative, and with a product that fits in memory's address range.
std::vector<std::int64_t> ToShape(const Napi::Value& value, const char* what);

at::ScalarType ToDType(const Napi::Value& value, const char* what);
const char* DTypeName(at::ScalarType dtype);

// 'cpu', 'cuda' or 'cuda:N'; throws ERR_DEVICE where there is no such device.
at::Device ToDevice(const Napi::Value& value, const char* what);
std::string DeviceName(const at::Device& device);

// Fields of an options object, each read once; the ones with a fallback may be left out.
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
