#pragma once
#include <napi.h>

namespace torch_prune {

// Bytes in, bytes out, and moves between dtypes and devices.
void RegisterTransfer(Napi::Object exports);

}  // namespace torch_prune
