#include "warnings.h"

#include <c10/util/Exception.h>
#include <c10/util/Logging.h>

#include <cstdlib>
#include <memory>
#include <string>
#include <thread>

#include "arguments.h"
#include "environment.h"

namespace torch_prune {
namespace {

class Warnings final : public c10::WarningHandler {
 public:
  explicit Warnings(Napi::Env env) : env_(env), main_thread_(std::this_thread::get_id()) {}

  void Listen(Napi::Function listener) {
    Close();
    listener_ = Napi::Persistent(listener);
    channel_ = Channel::New(env_, listener, "torch-prune warnings", 0, 1, this);
    channel_.Unref(env_);  // a possible warning must not keep the process alive
    open_ = true;
  }

  void Close() {
    if (open_) channel_.Abort();
    open_ = false;
  }

  void process(const c10::Warning& warning) override {
    if (!open_) return;
    if (std::this_thread::get_id() != main_thread_) {
      auto text = std::make_unique<std::string>(warning.msg());
      if (channel_.NonBlockingCall(text.get()) == napi_ok)
        text.release();  // NOLINT(bugprone-unused-return-value)
      return;
    }
    // The listener is called at once, because the event loop may not get another turn.
    Napi::HandleScope scope(env_);
    Tell(env_, listener_.Value(), warning.msg());
  }

 private:
  static void Tell(Napi::Env env, Napi::Function listener, const std::string& text) {
    if (env.IsExceptionPending()) return;
    try {
      listener.Call({Napi::String::New(env, text)});
    } catch (const Napi::Error&) {
      // A warning is not a reason to fail.
    }
  }
  static void Deliver(Napi::Env env, Napi::Function listener, Warnings*, std::string* raw) {
    const std::unique_ptr<std::string> text(raw);
    if (static_cast<napi_env>(env) != nullptr) Tell(env, listener, *text);
  }
  using Channel = Napi::TypedThreadSafeFunction<Warnings, std::string, Deliver>;

  Napi::Env env_;
  std::thread::id main_thread_;
  Napi::FunctionReference listener_;
  Channel channel_;
  bool open_ = false;
};

// warn(text): a job that warns as libtorch does, first on the main thread and then on the compute thread.
// Used by tests.
Napi::Value Warn(const Napi::CallbackInfo& info) {
  const std::string text = ToString(info[0], "text");
  TORCH_WARN(text, " (main thread)");
  auto& environment = Environment::Of(info.Env());
  const auto job = environment.compute.NewJob(info.Env());
  job->run = [text](Job&) { TORCH_WARN(text, " (compute thread)"); };
  job->finish = [](Napi::Env env) { return env.Undefined(); };
  return environment.compute.Start(info.Env(), job);
}

}  // namespace

void InstallWarnings(Napi::Env env, Napi::Object exports) {
  // OpenMP's threads and autograd's threads for GPUs have no handler, so their warnings are kept below the
  // log level.
  if (std::getenv("TORCH_CPP_LOG_LEVEL") == nullptr) FLAGS_caffe2_log_level = c10::GLOG_ERROR;
  auto warnings = new Warnings(env);
  c10::WarningUtils::set_warning_handler(warnings);
  // Hooks run in reverse order: this one runs after the one that joins the compute thread.
  env.AddCleanupHook(
      [](Warnings* own) {
        c10::WarningUtils::set_warning_handler(nullptr);
        own->Close();
        delete own;
      },
      warnings);
  // onWarning(listener): sets the function that is called with the text of each warning.
  exports.Set("onWarning", Napi::Function::New(env, [warnings](const Napi::CallbackInfo& info) {
                return Guard(info.Env(), [&] {
                  warnings->Listen(ToFunction(info[0], "listener"));
                  return info.Env().Undefined();
                });
              }));
  Export<Warn>(exports, "warn");
}

}  // namespace torch_prune
