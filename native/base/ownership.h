#pragma once
#include <ATen/core/Tensor.h>

#include <algorithm>
#include <functional>
#include <memory>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "errors.h"

namespace torch_prune {

// What a job reads and what it writes, and the name that others are told.
struct Use {
  std::string by = "a running job";
  std::vector<at::Tensor> reads, writes;

  // Identifies a storage by its address; null if there is none.
  static const void* Key(const at::Tensor& tensor) {
    return tensor.defined() && tensor.has_storage() ? tensor.storage().unsafeGetStorageImpl() : nullptr;
  }
};

// The lease of a training run, from its first step to its last. Between its jobs, others may read what it
// owns, but not write to it.
struct Lease {
  static constexpr std::uint64_t kTag = 7;
  static constexpr const char* kName = "lease";

  std::string by;
  // Whether a storage is part of it at this moment; a network's storages change when it is moved.
  std::function<bool(const void*)> holds;
  // The tensors that its jobs write to.
  std::function<std::vector<at::Tensor>()> changes;
};

// Tracks which storages are in use by jobs. While a job reads a storage, anyone else's write to it is an
// error, and while a job writes to one, any other use is; this way there are no races. Main thread only;
// while no job runs, it costs a check or two for emptiness.
class Ownership {
  // Keeps the address but not the memory: a job releases old gradients, and a new storage must not be
  // mistaken for one of them.
  using Weak = c10::weak_intrusive_ptr<c10::StorageImpl>;
  struct Holder {
    std::shared_ptr<const std::string> writer;  // null if nobody writes to it
    std::vector<std::shared_ptr<const std::string>> readers;
  };
  using Holders = std::unordered_map<const void*, Holder>;

 public:
  // The storages that are in use for as long as this exists; made and destroyed on the main thread.
  class Claim {
   public:
    ~Claim() {
      for (const auto& storage : reads_) {
        const auto found = holders_->find(storage._unsafe_get_target());
        auto& readers = found->second.readers;
        readers.erase(std::find(readers.begin(), readers.end(), by_));
        if (readers.empty() && !found->second.writer) holders_->erase(found);
      }
      for (const auto& storage : writes_) holders_->erase(storage._unsafe_get_target());
    }
    Claim(const Claim&) = delete;
    Claim& operator=(const Claim&) = delete;

   private:
    friend class Ownership;
    Claim(std::shared_ptr<Holders> holders, const std::string& by)
        : holders_(std::move(holders)), by_(std::make_shared<const std::string>(by)) {}

    std::shared_ptr<Holders> holders_;
    std::shared_ptr<const std::string> by_;
    std::vector<Weak> reads_, writes_;
  };

  // Throws ERR_BUSY if another job is in the way.
  std::unique_ptr<Claim> Take(const Use& use) {
    for (const auto& tensor : use.reads) Check(tensor);
    for (const auto& tensor : use.writes) CheckUnused(tensor);
    std::unique_ptr<Claim> claim(new Claim(holders_, use.by));
    for (const auto& tensor : use.writes) {
      const void* key = Use::Key(tensor);
      if (key == nullptr) continue;
      auto& writer = (*holders_)[key].writer;
      if (!std::exchange(writer, claim->by_)) claim->writes_.push_back(tensor.storage().getWeakStorageImpl());
    }
    for (const auto& tensor : use.reads) {
      const void* key = Use::Key(tensor);
      if (key == nullptr) continue;
      auto& holder = (*holders_)[key];
      if (holder.writer) continue;  // the job writes to it itself
      holder.readers.push_back(claim->by_);
      claim->reads_.push_back(tensor.storage().getWeakStorageImpl());
    }
    return claim;
  }
  std::unique_ptr<Claim> Take(std::vector<at::Tensor> writes) {
    return Take(Use{"a running job", {}, std::move(writes)});
  }

  bool AnyRead(const std::vector<at::Tensor>& tensors) const {
    return std::any_of(tensors.begin(), tensors.end(), [this](const at::Tensor& tensor) {
      const auto found = holders_->find(Use::Key(tensor));
      return found != holders_->end() && !found->second.readers.empty();
    });
  }

  // Throws if a job writes to the tensor.
  void Check(const at::Tensor& tensor) const {
    if (holders_->empty()) return;
    const auto found = holders_->find(Use::Key(tensor));
    if (found != holders_->end() && found->second.writer) Refuse(*found->second.writer);
  }

  // Throws if a job uses the tensor at all.
  void CheckUnused(const at::Tensor& tensor) const {
    if (holders_->empty()) return;
    const auto found = holders_->find(Use::Key(tensor));
    if (found != holders_->end())
      Refuse(found->second.writer ? *found->second.writer : *found->second.readers.front());
  }

  // Throws if a job uses the tensor, or a training run owns it.
  void CheckWritable(const at::Tensor& tensor) const {
    CheckUnused(tensor);
    for (const auto& weak : leases_) {
      const auto lease = weak.lock();
      if (lease && lease->holds(Use::Key(tensor))) Refuse(lease->by);
    }
  }

  bool Idle() const { return holders_->empty() && leases_.empty(); }
  void Add(const std::shared_ptr<Lease>& lease) {
    std::erase_if(leases_, [](const auto& weak) { return weak.expired(); });
    leases_.push_back(lease);
  }
  void Remove(const std::shared_ptr<Lease>& lease) {
    std::erase_if(leases_, [&](const auto& weak) { return weak.expired() || weak.lock() == lease; });
  }

 private:
  [[noreturn]] static void Refuse(const std::string& by) {
    throw Error("ERR_BUSY", "this network or tensor is in use by " + by + ": await it, or abort it, first");
  }

  // Shared with the claims, because a job may outlive the rest of the environment's state at shutdown.
  std::shared_ptr<Holders> holders_ = std::make_shared<Holders>();
  std::vector<std::weak_ptr<Lease>> leases_;
};

}  // namespace torch_prune
