#pragma once
#include <napi.h>

namespace torch_prune {

void RegisterSharing(Napi::Object exports);
void RegisterLevels(Napi::Object exports);
void RegisterEqual(Napi::Object exports);
void RegisterCounts(Napi::Object exports);

}  // namespace torch_prune
