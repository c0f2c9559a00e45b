#include "host_memory.h"

#include <c10/core/Allocator.h>
#include <c10/core/CPUAllocator.h>
#include <c10/core/impl/alloc_cpu.h>
#ifdef __GLIBC__
#include <malloc.h>
#endif
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <bit>
#include <condition_variable>
#include <cstdint>
#include <cstring>
#include <limits>
#include <memory>
#include <mutex>
#include <thread>

#ifdef __SANITIZE_ADDRESS__
#include <sanitizer/asan_interface.h>
#else
#define ASAN_POISON_MEMORY_REGION(address, bytes) (static_cast<void>(address), static_cast<void>(bytes))
#define ASAN_UNPOISON_MEMORY_REGION(address, bytes) (static_cast<void>(address), static_cast<void>(bytes))
#endif

namespace torch_prune {
namespace {

constexpr std::size_t kLeast = std::size_t{64} << 10;     // smaller blocks are left to malloc
constexpr std::size_t kLargest = std::size_t{512} << 20;  // fc1 of VGG-16 is 392 MiB

// The total size of all kept blocks: enough for the gradients of VGG-16, and never a large part of a small
// machine's memory.
std::size_t MostKept() {
  const long pages = sysconf(_SC_PHYS_PAGES), page = sysconf(_SC_PAGESIZE);
  const std::size_t memory = pages > 0 && page > 0 ? static_cast<std::size_t>(pages) * page : 0;
  return std::min(std::size_t{2} << 30, memory / 4);
}

// There are eight size classes per octave, so at most an eighth of a block is wasted.
constexpr int kStepBits = 3;
constexpr int Class(std::size_t bytes) {
  const int octave = std::bit_width(bytes - 1) - 1;
  const auto step = static_cast<int>((bytes - 1) >> (octave - kStepBits)) & ((1 << kStepBits) - 1);
  return (octave - std::bit_width(kLeast) + 2) * (1 << kStepBits) + step;
}
constexpr std::size_t ClassBytes(std::size_t bytes) {
  const std::size_t step = std::size_t{1} << (std::bit_width(bytes - 1) - 1 - kStepBits);
  return (bytes + step - 1) / step * step;
}

// The header of every block. It is as large as libtorch's alignment, so that the data after it is aligned.
struct alignas(64) Block {
  Block* next;                               // the next free block of its class
  std::size_t bytes;                         // the size of the data after this header
  std::shared_ptr<StepMemory::Store> store;  // where it returns to; null if nowhere, or if it is there now
};

Block* NewBlock(std::size_t bytes, std::shared_ptr<StepMemory::Store> store) {
  return new (c10::alloc_cpu(sizeof(Block) + bytes)) Block{nullptr, bytes, std::move(store)};
}

void FreeBlock(Block* block) {
  std::destroy_at(block);
  c10::free_cpu(block);
}

// The bytes kept by all stores together.
constinit std::atomic<std::size_t> kept_bytes{0};
constinit std::size_t most_kept = 0;
thread_local const std::shared_ptr<StepMemory::Store>* current = nullptr;  // null outside of a Use
thread_local FreeElsewhere::Thread* elsewhere = nullptr;

constexpr std::size_t kSlowToFree = std::size_t{16} << 20;  // freeing this much takes some milliseconds

// To AddressSanitizer, the header, the rest of a block beyond the requested bytes, and a kept block would
// look like any other memory. So it is told that nobody may touch them.
void* Lend(Block* block, std::size_t bytes) {
  void* const data = block + 1;
  ASAN_POISON_MEMORY_REGION(data, block->bytes);
  ASAN_UNPOISON_MEMORY_REGION(data, bytes);
  ASAN_POISON_MEMORY_REGION(block, sizeof(Block));
  return data;
}
Block* Recover(void* data) {
  Block* const block = static_cast<Block*>(data) - 1;
  ASAN_UNPOISON_MEMORY_REGION(block, sizeof(Block));
  return block;
}
}  // namespace

class FreeElsewhere::Thread {
 public:
  ~Thread() {
    {
      const std::lock_guard lock(mutex_);
      ending_ = true;
    }
    wake_.notify_one();
    if (thread_.joinable()) thread_.join();
  }

  void Free(Block* block) {
    {
      const std::lock_guard lock(mutex_);
      block->next = first_;
      first_ = block;
      if (!thread_.joinable()) thread_ = std::thread([this] { Loop(); });
    }
    wake_.notify_one();
  }

 private:
  void Loop() {
    std::unique_lock lock(mutex_);
    for (;;) {
      wake_.wait(lock, [this] { return ending_ || first_ != nullptr; });
      if (first_ == nullptr) return;
      Block* const block = first_;
      first_ = block->next;
      lock.unlock();
      FreeBlock(block);
      lock.lock();
    }
  }

  std::mutex mutex_;
  std::condition_variable wake_;
  Block* first_ = nullptr;
  bool ending_ = false;
  std::thread thread_;
};

FreeElsewhere::FreeElsewhere() : thread_(std::make_unique<Thread>()) {
  elsewhere = thread_.get();
}

FreeElsewhere::~FreeElsewhere() {
  elsewhere = nullptr;
}

// The kept blocks of one job.
class StepMemory::Store {
 public:
  // Takes a block of the size class of `bytes`; null if there is none.
  Block* Take(std::size_t bytes) {
    const std::lock_guard lock(mutex_);
    Block*& first = free_[Class(bytes)];
    if (first == nullptr) return nullptr;
    Block* const block = first;
    first = block->next;
    kept_bytes -= block->bytes;
    return block;
  }

  // Returns false if the caller has to free the block.
  bool Keep(Block* block) {
    const std::lock_guard lock(mutex_);
    if (!open_ || kept_bytes + block->bytes > most_kept) return false;
    ASAN_POISON_MEMORY_REGION(block + 1, block->bytes);
    Block*& first = free_[Class(block->bytes)];
    block->next = first;
    first = block;
    kept_bytes += block->bytes;
    return true;
  }

  // Frees the kept blocks at the end of the job.
  void Close() {
    Free free{};
    {
      const std::lock_guard lock(mutex_);
      std::swap(free, free_);
      open_ = false;
    }
    // This happens without the lock, because it takes time in proportion to the memory and other threads
    // return blocks meanwhile.
    for (Block* first : free) {
      while (first != nullptr) {
        Block* const block = first;
        first = block->next;
        kept_bytes -= block->bytes;
        FreeBlock(block);
      }
    }
  }

 private:
  using Free = std::array<Block*, Class(kLargest) + 1>;

  std::mutex mutex_;
  Free free_{};
  bool open_ = true;
};

namespace {

Block* Allocate(std::size_t bytes) {
  if (current == nullptr || bytes < kLeast || bytes > kLargest) return NewBlock(bytes, nullptr);
  Block* const kept = (*current)->Take(bytes);
  if (kept == nullptr) return NewBlock(ClassBytes(bytes), *current);
  kept->store = *current;
  return kept;
}

void GiveBack(void* data) {
  if (data == nullptr) return;
  Block* const block = Recover(data);
  if (const auto store = std::move(block->store); store && store->Keep(block)) return;
  if (elsewhere != nullptr && block->bytes >= kSlowToFree) {
    elsewhere->Free(block);
  } else {
    FreeBlock(block);
  }
}

class HostAllocator final : public c10::Allocator {
 public:
  c10::DataPtr allocate(std::size_t bytes) override {
    if (bytes == 0) return {nullptr, nullptr, GiveBack, c10::Device(c10::kCPU)};
    // libtorch reports a size that would overflow because of the header.
    if (bytes > std::numeric_limits<std::size_t>::max() - sizeof(Block)) c10::alloc_cpu(bytes);
    void* const data = Lend(Allocate(bytes), bytes);
    return {data, data, GiveBack, c10::Device(c10::kCPU)};
  }
  c10::DeleterFnPtr raw_deleter() const override { return GiveBack; }
  void copy_data(void* to, const void* from, std::size_t bytes) const override {
    std::memcpy(to, from, bytes);
  }
};

}  // namespace

void InstallHostAllocator() {
  static std::once_flag once;
  // libtorch keeps the allocator for as long as the process lives.
  std::call_once(once, [] {
    most_kept = MostKept();
    c10::SetCPUAllocator(new HostAllocator, /*priority=*/1);
  });
}

void TrimMemory() {
#ifdef __GLIBC__
  malloc_trim(0);
#endif
}

StepMemory::StepMemory() : store_(std::make_shared<Store>()) {}

StepMemory::~StepMemory() {
  store_->Close();
}

StepMemory::Use::Use(const StepMemory& memory) {
  current = &memory.store_;
}

StepMemory::Use::~Use() {
  current = nullptr;
}

}  // namespace torch_prune
