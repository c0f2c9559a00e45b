#pragma once
#include <napi.h>

namespace torch_prune {

// Any operator of libtorch, found by name and called through its schema.
void RegisterOperators(Napi::Object exports);

}  // namespace torch_prune
