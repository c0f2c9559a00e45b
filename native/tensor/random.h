#pragma once
#include <napi.h>

namespace torch_prune {

// The default random generators.
void RegisterRandom(Napi::Object exports);

}  // namespace torch_prune
