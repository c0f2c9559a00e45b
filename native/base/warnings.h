#pragma once
#include <napi.h>

namespace torch_prune {

// Makes libtorch's warnings go to a JavaScript function instead of stderr: those of this environment's main
// thread, and of threads that take over its handler (c10::WarningUtils::get_warning_handler).
void InstallWarnings(Napi::Env env, Napi::Object exports);

}  // namespace torch_prune
