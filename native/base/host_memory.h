#pragma once
#include <memory>

namespace torch_prune {

// Puts an allocator of our own between libtorch and the CPU's memory, once a process, before any tensor is
// made. It behaves as libtorch's until a KeepHostMemory lives.
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

// While one of these lives, large blocks that its thread asked for are kept when they are given back, and
// serve the thread's next request of about their size. A training step asks for the same blocks as the one
// before; glibc gives them back to the system and faults them in again, page by page, for hundreds of steps
// (a third of LeNet-5's step with two threads).
class KeepHostMemory {
 public:
  KeepHostMemory();
  ~KeepHostMemory();
  KeepHostMemory(const KeepHostMemory&) = delete;
  KeepHostMemory& operator=(const KeepHostMemory&) = delete;
};

}  // namespace torch_prune
