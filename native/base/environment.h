#pragma once
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
class OptimizerState;

// Tensors that JavaScript holds. Shared with each of them, since they may be finalised after the rest.
struct TensorAccounts {
  std::int64_t live = 0;
  std::int64_t bytes = 0;
  // How many handles a storage has: views share one, and the collector is told of its bytes once.
  std::unordered_map<const void*, std::int64_t> handles;
};

// All that one Node environment (the main thread, or a worker) owns. There are no static objects: each
// environment is made and cleaned up by itself, in any order.
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

  // Setting a mask clears the moments of every optimiser over the parameter, so all of them are known here.
  std::vector<std::weak_ptr<OptimizerState>> optimizers;

  std::shared_ptr<TensorAccounts> accounts;

  std::shared_ptr<ForeignDecoder> foreign;  // of pictures; null until it is needed

  // Gradient hooks whose graph was dropped on another thread (tensor/autograd.cc).
  std::shared_ptr<void> returned_hooks;

 private:
  void Stop();

  std::thread::id main_thread_;
};

}  // namespace torch_prune
