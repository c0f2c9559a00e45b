#pragma once
#include <ATen/core/Tensor.h>
#include <napi.h>

#include <cstdint>
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

}  // namespace torch_prune
