#pragma once
#include <vector>

#include "arguments.h"

namespace torch_prune {

// Reads a list of options objects.
inline std::vector<Options> ToObjects(const Napi::Value& value, const char* what) {
  const Napi::Array array = ToArray(value, what);
  std::vector<Options> list;
  for (std::uint32_t i = 0; i < array.Length(); ++i) list.emplace_back(array.Get(i), what);
  return list;
}

}  // namespace torch_prune
