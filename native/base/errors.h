#pragma once
#include <napi.h>

#include <exception>
#include <stdexcept>
#include <string>
#include <utility>

namespace torch_prune {

// An error that this addon throws on purpose. `code` is one of ErrorCode in lib/base/errors.ts.
class Error : public std::runtime_error {
 public:
  Error(const char* code, const std::string& message) : std::runtime_error(message), code_(code) {}
  const char* code() const { return code_; }

 private:
  const char* code_;
};

struct Failure {
  std::string code;
  std::string message;
};

// Describes any C++ exception by one line and a code; callable on every thread.
Failure Describe(const std::exception_ptr& exception);

// Makes the JavaScript error for a failure (TorchPruneError of lib/base/errors.ts); main thread only.
Napi::Error ToJavaScript(Napi::Env env, const Failure& failure);

// The guard around every entry point from JavaScript. If anything but Napi::Error leaves a callback, the
// process is aborted. Napi::Error is itself a std::exception, so it has to be caught first.
template <typename Body>
auto Guard(Napi::Env env, Body&& body) -> decltype(body()) {
  try {
    return std::forward<Body>(body)();
  } catch (const Napi::Error&) {
    throw;
  } catch (...) {
    throw ToJavaScript(env, Describe(std::current_exception()));
  }
}

// Wraps a plain function as a guarded callback: exports.Set("f", Napi::Function::New<Entry<F>>(env)).
template <Napi::Value (*Function)(const Napi::CallbackInfo&)>
Napi::Value Entry(const Napi::CallbackInfo& info) {
  return Guard(info.Env(), [&] { return Function(info); });
}

template <Napi::Value (*Function)(const Napi::CallbackInfo&)>
void Export(Napi::Object exports, const char* name) {
  exports.Set(name, Napi::Function::New<Entry<Function>>(exports.Env(), name));
}

}  // namespace torch_prune
