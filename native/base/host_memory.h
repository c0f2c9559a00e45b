#pragma once
#include <memory>

namespace torch_prune {

// Installs our own allocator between libtorch and the CPU's memory, once per process and before any tensor is
// made. It behaves like libtorch's except during a StepMemory::Use.
void InstallHostAllocator();

// Gives memory that was released, but lies between what is in use, back to the system.
void TrimMemory();

// While one of these exists, large blocks that the creating thread releases are freed on a separate thread:
// freeing half a gigabyte takes a tenth of a second, which is too long for an event loop. It must be
// destroyed on the thread that created it.
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

// Memory that a job's steps reuse: large blocks that its thread allocates during a Use are kept when they are
// released, and serve later requests of about their size during another Use. A training step requests the
// same blocks as the previous one, but glibc returns them to the system and faults them in again, page by
// page, for hundreds of steps (a third of LeNet-5's step with two threads). All kept blocks are freed with
// the StepMemory, so a finished job holds nothing, and work that is done in one go keeps nothing at all.
class StepMemory {
 public:
  StepMemory();
  ~StepMemory();
  StepMemory(const StepMemory&) = delete;
  StepMemory& operator=(const StepMemory&) = delete;

  // Makes allocations of the creating thread use the memory for as long as this exists. One at a time.
  class Use {
   public:
    explicit Use(const StepMemory& memory);
    ~Use();
    Use(const Use&) = delete;
    Use& operator=(const Use&) = delete;
  };

  class Store;

 private:
  std::shared_ptr<Store> store_;  // shared, because its last block may outlive this
};

}  // namespace torch_prune
