#pragma once
#include <memory>

namespace torch_prune {

// Puts an allocator of our own between libtorch and the CPU's memory, once a process, before any tensor is
// made. It behaves as libtorch's but during a StepMemory::Use.
void InstallHostAllocator();

// While one of these lives, a thread of its own gives back the large blocks that its maker's thread lets go
// of: the system takes a tenth of a second for half a gigabyte, and an event loop has no such time. Destroyed
// on the thread that made it.
class FreeElsewhere {
 public:
  FreeElsewhere();
  ~FreeElsewhere();
  FreeElsewhere(const FreeElsewhere&) = delete;
  FreeElsewhere& operator=(const FreeElsewhere&) = delete;

  class Thread;

 private:
  std::unique_ptr<Thread> thread_;
};

// What a job's steps reuse: large blocks that its thread asked for during a Use are kept when they are given
// back, and serve later requests of about their size during another Use. A training step asks for the same
// blocks as the one before; glibc gives them back to the system and faults them in again, page by page, for
// hundreds of steps (a third of LeNet-5's step with two threads). All that is kept is freed with the
// StepMemory: a job that is over holds nothing, and work that is done in one go keeps nothing at all.
class StepMemory {
 public:
  StepMemory();
  ~StepMemory();
  StepMemory(const StepMemory&) = delete;
  StepMemory& operator=(const StepMemory&) = delete;

  // For as long as it lives, on the thread that makes it. One at a time.
  class Use {
   public:
    explicit Use(const StepMemory& memory);
    ~Use();
    Use(const Use&) = delete;
    Use& operator=(const Use&) = delete;
  };

  class Store;

 private:
  std::shared_ptr<Store> store_;  // the last of its blocks may outlive this
};

}  // namespace torch_prune
