#pragma once
#include <napi.h>

namespace torch_prune {

// Coding and decoding of tensors for coded files.
void RegisterCoded(Napi::Object exports);

}  // namespace torch_prune
