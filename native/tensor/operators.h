#pragma once
#include <napi.h>

namespace torch_prune {

// Registers calls to any operator of libtorch, which is found by name and called through its schema.
void RegisterOperators(Napi::Object exports);

}  // namespace torch_prune
