#pragma once
#include <napi.h>

namespace torch_prune {

// Devices, threads and versions.
void RegisterDevice(Napi::Object exports);

}  // namespace torch_prune
