#include "environment.h"

#include "../data/foreign_decoder.h"

namespace torch_prune {

Environment::Environment(Napi::Env env)
    : compute(env),
      inference(env),
      aside(env),
      accounts(std::make_shared<TensorAccounts>()),
      main_thread_(std::this_thread::get_id()) {
  aside.StandBeside(compute);
  // Cleanup hooks run in reverse order: this one joins the thread while its channel back to Node still
  // exists.
  env.AddCleanupHook([](Environment* environment) { environment->Stop(); }, this);
  // On the main thread, process.exit() runs no cleanup hooks: libtorch's statics would be destroyed while a
  // job computes.
  const auto process = env.Global().Get("process").As<Napi::Object>();
  const auto stop = [this](const Napi::CallbackInfo&) { Stop(); };
  process.Get("once").As<Napi::Function>().Call(
      process, {Napi::String::New(env, "exit"), Napi::Function::New(env, stop)});
}

Environment::~Environment() = default;

ComputeThread& Environment::Inference(Napi::Env env, std::size_t lane) {
  if (lane == 0) return inference;
  if (stopped_) throw Error("ERR_BUSY", "this thread is shutting down: no job can start");
  while (more_inference_.size() < lane) more_inference_.push_back(std::make_unique<ComputeThread>(env));
  return *more_inference_[lane - 1];
}

void Environment::Stop() {
  stopped_ = true;
  compute.Stop();
  inference.Stop();
  aside.Stop();
  for (const auto& thread : more_inference_) thread->Stop();
  if (foreign) foreign->Close();
}

}  // namespace torch_prune
