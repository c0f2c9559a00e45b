#pragma once
#include <ATen/core/Tensor.h>

#include <memory>
#include <unordered_set>
#include <vector>

#include "errors.h"

namespace torch_prune {

// Which storages a running job owns. While it runs, everyone else's use of them is an error rather than a
// race. Main thread only; costs one test of emptiness while no job runs.
class Ownership {
  using Set = std::unordered_set<const void*>;
  // Keeps the address, not the memory: a job lets old gradients go, and a new storage must not be taken for
  // one of them.
  using Weak = c10::weak_intrusive_ptr<c10::StorageImpl>;

 public:
  // Owns storages for as long as it lives; made and destroyed on the main thread.
  class Claim {
   public:
    Claim(std::shared_ptr<Set> claimed, std::vector<Weak> storages)
        : claimed_(std::move(claimed)), storages_(std::move(storages)) {}
    ~Claim() {
      for (const auto& storage : storages_) claimed_->erase(storage._unsafe_get_target());
    }
    Claim(const Claim&) = delete;
    Claim& operator=(const Claim&) = delete;

   private:
    std::shared_ptr<Set> claimed_;
    std::vector<Weak> storages_;
  };

  std::unique_ptr<Claim> Take(const std::vector<at::Tensor>& tensors) {
    for (const auto& tensor : tensors) Check(tensor);
    std::vector<Weak> storages;
    for (const auto& tensor : tensors) {
      if (const void* storage = Key(tensor); storage != nullptr && claimed_->insert(storage).second)
        storages.push_back(tensor.storage().getWeakStorageImpl());
    }
    return std::make_unique<Claim>(claimed_, std::move(storages));
  }

  void Check(const at::Tensor& tensor) const {
    if (!claimed_->empty() && claimed_->contains(Key(tensor))) {
      throw Error("ERR_BUSY", "a running job owns this network or tensor: await the job, or abort it, first");
    }
  }

 private:
  static const void* Key(const at::Tensor& tensor) {
    return tensor.defined() && tensor.has_storage() ? tensor.storage().unsafeGetStorageImpl() : nullptr;
  }

  // Shared with the claims: a job may outlive the environment's other state while that ends.
  std::shared_ptr<Set> claimed_ = std::make_shared<Set>();
};

}  // namespace torch_prune
