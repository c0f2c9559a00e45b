#pragma once
#include <napi.h>

namespace torch_prune {

// Registers the default random generators.
void RegisterRandom(Napi::Object exports);

}  // namespace torch_prune
