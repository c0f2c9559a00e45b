#pragma once
#include <napi.h>

namespace torch_prune {

// Passes libtorch's warnings to a JavaScript function instead of stderr. This covers the main thread of this
// environment, and threads that take over its handler (c10::WarningUtils::get_warning_handler).
void InstallWarnings(Napi::Env env, Napi::Object exports);

}  // namespace torch_prune
