#pragma once
#include <napi.h>

namespace torch_prune {

// What is set of CUDA devices, and what is known of them: their memory and properties.
void RegisterCuda(Napi::Object exports);

}  // namespace torch_prune
