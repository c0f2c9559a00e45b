#pragma once
#include <ATen/core/Tensor.h>

#include <algorithm>
#include <cstdint>
#include <span>
#include <vector>

namespace torch_prune {

// The processes that train one network together, each with a part of the samples. Each of them makes the same
// calls in the same order, on its compute thread.
class ProcessGroup {
 public:
  virtual ~ProcessGroup() = default;
  ProcessGroup() = default;
  ProcessGroup(const ProcessGroup&) = delete;
  ProcessGroup& operator=(const ProcessGroup&) = delete;

  // The place of this process, from 0, and how many there are.
  virtual int rank() const = 0;
  virtual int size() const = 0;
  // Whether flat tensors on a device are summed there. All processes ask for the same kind of device.
  virtual bool SumsOn(const at::Device& device) { return device.is_cpu(); }
  // Begins to replace a flat tensor, in place, by its sum over the processes, while this one computes.
  virtual void StartSum(const at::Tensor& flat) = 0;
  // Waits for the first of the sums that were begun and not waited for.
  virtual void AwaitSum() = 0;
  // Replaces each tensor, in place, by that of process 0: weights before the first step.
  virtual void Broadcast(const std::vector<at::Tensor>& tensors) = 0;
  // Replaces each number by its sum over the processes: counts of samples, sums of losses.
  virtual void Sum(std::span<double> numbers) = 0;
  // This process takes no further part: the others get an error instead of waiting for it.
  virtual void Leave() = 0;

  // The part of so many samples that this process has: its first one, and how many. Parts differ by one
  // sample at most, and no part grows when there are fewer samples.
  struct Share {
    std::int64_t begin, count;
  };
  Share ShareOf(std::int64_t samples) const {
    const std::int64_t each = samples / size(), more = samples % size();
    return {rank() * each + std::min<std::int64_t>(rank(), more), each + (rank() < more ? 1 : 0)};
  }
};

// A process that trains on its own: there is nobody to exchange anything with.
class SingleProcess final : public ProcessGroup {
 public:
  int rank() const override { return 0; }
  int size() const override { return 1; }
  void StartSum(const at::Tensor&) override {}
  void AwaitSum() override {}
  void Broadcast(const std::vector<at::Tensor>&) override {}
  void Sum(std::span<double>) override {}
  void Leave() override {}
};

}  // namespace torch_prune
