#pragma once
#include <c10/core/Device.h>
#include <c10/core/Event.h>

#include <array>
#include <cstddef>
#include <optional>

namespace torch_prune {

// Keeps this thread at most a few steps ahead of a GPU: enough that it never waits for the next one, and so
// few that a training that is stopped stops soon, and that batches in flight take little memory.
class RunAhead {
 public:
  explicit RunAhead(const c10::Device& device) : device_(device) {}

  // All of a step was launched. Waits until the GPU has finished the one that was launched some steps before.
  void Step();

 private:
  const c10::Device device_;
  std::array<std::optional<c10::Event>, 16> events_;
  std::size_t next_ = 0;
};

}  // namespace torch_prune
