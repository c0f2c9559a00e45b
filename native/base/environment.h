#pragma once
#include <c10/core/Stream.h>
#include <napi.h>

#include <cstdint>
#include <memory>
#include <thread>
#include <unordered_map>
#include <vector>

#include "../jobs/compute_thread.h"
#include "ownership.h"

namespace torch_prune {

class ForeignDecoder;
class OptimizerSlots;

// Counts of the tensors that JavaScript holds. Every tensor shares them, because tensors may be finalized
// last.
struct TensorAccounts {
  std::int64_t live = 0;
  std::int64_t bytes = 0;
  // The number of handles per storage: views share a storage, and the collector is told about its bytes once.
  std::unordered_map<const void*, std::int64_t> handles;
};

// Everything that one Node environment (the main thread or a worker) owns. Environments share no state except
// for process-wide caches, such as those of host_memory.cc, and each is made and cleaned up on its own, in
// any order.
class Environment {
 public:
  explicit Environment(Napi::Env env);
  ~Environment();
  Environment(const Environment&) = delete;
  Environment& operator=(const Environment&) = delete;

  static Environment& Of(Napi::Env env) { return *env.GetInstanceData<Environment>(); }

  bool OnMainThread() const { return std::this_thread::get_id() == main_thread_; }

  Napi::FunctionReference error_class;
  std::unordered_map<std::uint64_t, Napi::FunctionReference> classes;  // by Handle<State>'s tag

  Ownership ownership;
  ComputeThread compute;
  ComputeThread inference;  // sessions run beside jobs, and never wait for a training's step
  ComputeThread aside;      // what neither of them waits for: sessions that are made, copies of what is saved

  // Of each GPU, the stream on which tensors are copied from it; for the thread `aside`.
  std::unordered_map<int, c10::Stream> copy_streams;

  // The thread of a session's lane: of the first one it is `inference`, others are made when they are needed.
  ComputeThread& Inference(Napi::Env env, std::size_t lane);

  // Setting a mask clears the moments of every optimizer of the parameter, so all optimizers are listed here.
  std::vector<std::weak_ptr<OptimizerSlots>> optimizers;

  std::shared_ptr<TensorAccounts> accounts;

  std::shared_ptr<ForeignDecoder> foreign;  // decodes images; null until it is needed

  // Gradient hooks whose graph was destroyed on another thread (tensor/autograd.cc).
  std::shared_ptr<void> returned_hooks;

 private:
  void Stop();

  std::thread::id main_thread_;
  bool stopped_ = false;
  std::vector<std::unique_ptr<ComputeThread>> more_inference_;
};

}  // namespace torch_prune
