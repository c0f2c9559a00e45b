#include "device.h"

#include <ATen/Parallel.h>
#include <ATen/Version.h>
#include <torch/cuda.h>
#include <torch/version.h>

#include "../base/arguments.h"
#include "../base/environment.h"
#include "../base/host_memory.h"
#include "graph.h"

namespace torch_prune {
namespace {

Napi::Value Versions(const Napi::CallbackInfo& info) {
  auto versions = Napi::Object::New(info.Env());
  versions.Set("libtorch", TORCH_VERSION);
  versions.Set("build", at::show_config());
  return versions;
}

Napi::Value CudaDevices(const Napi::CallbackInfo& info) {
  return Napi::Number::New(info.Env(), static_cast<double>(torch::cuda::device_count()));
}

// Waits until the device has finished all work that was submitted to it.
Napi::Value Synchronize(const Napi::CallbackInfo& info) {
  const auto device = ToDevice(info[0], "device");
  if (!device.is_cuda()) return info.Env().Undefined();
  const auto alone = BetweenRecordings();
  torch::cuda::synchronize(device.index());
  return info.Env().Undefined();
}

Napi::Value SetJobThreads(const Napi::CallbackInfo& info) {
  const auto count = ToInteger(info[0], "threads");
  if (count < 1 || count > 1024)
    throw Error("ERR_ARGUMENT", "threads must be 1 to 1024, got " + std::to_string(count));
  Environment::Of(info.Env()).compute.SetThreads(static_cast<int>(count));
  return info.Env().Undefined();
}

Napi::Value JobThreads(const Napi::CallbackInfo& info) {
  return Napi::Number::New(info.Env(), Environment::Of(info.Env()).compute.Threads());
}

// trimMemoryStart(): memory that was released goes back to the system, off the main thread.
Napi::Value TrimMemoryStart(const Napi::CallbackInfo& info) {
  auto& environment = Environment::Of(info.Env());
  const auto job = environment.compute.NewJob(info.Env());
  job->run = [](Job&) { TrimMemory(); };
  job->finish = [](Napi::Env env) { return env.Undefined(); };
  return environment.compute.Start(info.Env(), job);
}

// Sets the number of threads of eager operators, which run on the calling JavaScript thread.
Napi::Value SetEagerThreads(const Napi::CallbackInfo& info) {
  const auto count = ToInteger(info[0], "threads");
  if (count < 1 || count > 1024)
    throw Error("ERR_ARGUMENT", "threads must be 1 to 1024, got " + std::to_string(count));
  at::set_num_threads(static_cast<int>(count));
  return info.Env().Undefined();
}

// initialize(ErrorClass): called once by lib/binding, before anything else.
Napi::Value Initialize(const Napi::CallbackInfo& info) {
  Environment::Of(info.Env()).error_class = Napi::Persistent(ToFunction(info[0], "error class"));
  return info.Env().Undefined();
}

}  // namespace

void RegisterDevice(Napi::Object exports) {
  Export<Initialize>(exports, "initialize");
  Export<Versions>(exports, "versions");
  Export<CudaDevices>(exports, "cudaDevices");
  Export<Synchronize>(exports, "synchronize");
  Export<SetJobThreads>(exports, "setJobThreads");
  Export<JobThreads>(exports, "jobThreads");
  Export<TrimMemoryStart>(exports, "trimMemoryStart");
  Export<SetEagerThreads>(exports, "setEagerThreads");
}

}  // namespace torch_prune
