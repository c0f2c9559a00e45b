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

 public:
  // Owns storages for as long as it lives; made and destroyed on the main thread.
  class Claim {
   public:
    Claim(std::shared_ptr<Set> claimed, Set storages)
        : claimed_(std::move(claimed)), storages_(std::move(storages)) {}
    ~Claim() {
      for (const void* storage : storages_) claimed_->erase(storage);
    }
    Claim(const Claim&) = delete;
    Claim& operator=(const Claim&) = delete;

   private:
    std::shared_ptr<Set> claimed_;
    Set storages_;
  };

  std::unique_ptr<Claim> Take(const std::vector<at::Tensor>& tensors) {
    for (const auto& tensor : tensors) Check(tensor);
    Set storages;
    for (const auto& tensor : tensors) {
      if (const void* storage = Key(tensor)) storages.insert(storage);
    }
    claimed_->insert(storages.begin(), storages.end());
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
