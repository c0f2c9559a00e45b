#pragma once
#include <ATen/core/Tensor.h>

#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <utility>

#include "process_group.h"
#include "shared_memory.h"

namespace torch_prune {

// Sums of tensors over processes of one machine, in memory that all of them share: each writes what it has,
// adds up a part of all, and reads the whole. Sockets copy each byte four times for the same.
class SharedSums {
 public:
  // The memory of rank 0, which the others open by its address; null where there is none to share.
  static std::unique_ptr<SharedSums> Make(const ProcessGroup& group);
  static std::unique_ptr<SharedSums> Open(const ProcessGroup& group, const std::string& address);

  const std::string& address() const { return memory_->address(); }
  // Replaces a flat tensor on the CPU, in place, by its sum over the processes: the same bits in each. Throws
  // as SharedMemory::Meet does.
  void Sum(const at::Tensor& flat, std::chrono::milliseconds timeout,
           const std::function<bool()>& interrupted);

 private:
  SharedSums(const ProcessGroup& group, std::unique_ptr<SharedMemory> memory)
      : group_(group), memory_(std::move(memory)) {}

  const ProcessGroup& group_;
  const std::unique_ptr<SharedMemory> memory_;
};

}  // namespace torch_prune
