#include "shared_memory.h"

#include <fcntl.h>
#include <linux/futex.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <climits>
#include <cstdint>
#include <cstdio>
#include <random>
#include <stdexcept>
#include <thread>
#include <utility>

namespace torch_prune {
namespace {

using SharedClock = std::chrono::steady_clock;

// How long a process looks out for the others before it sleeps: waking takes about as long.
constexpr auto kLookOut = std::chrono::microseconds(50);
// How often one that sleeps looks whether the others are still there.
constexpr timespec kNap{.tv_sec = 0, .tv_nsec = 100'000'000};
constexpr std::size_t kPage = 4096;

std::size_t Pages(std::size_t bytes) {
  return (bytes + kPage - 1) / kPage * kPage;
}

std::string RandomName() {
  std::random_device random;
  std::array<char, 40> name{};
  std::snprintf(name.data(), name.size(), "torch-prune-%08x%08x%08x", random(), random(), random());
  return name.data();
}

// Where a process finds a file that another one holds, whatever the file is called.
std::string PlaceOf(const std::string& process, const std::string& descriptor) {
  return "/proc/" + process + "/fd/" + descriptor;
}

// A lock on the byte of the file that is a process's own.
struct flock LockOf(int rank) {
  struct flock lock {};
  lock.l_type = F_WRLCK, lock.l_whence = SEEK_SET, lock.l_start = rank, lock.l_len = 1;
  return lock;
}

}  // namespace

// Where all of them meet. It begins as zeros.
struct alignas(64) SharedMemory::Hall {
  std::atomic<std::uint32_t> bell;
  std::atomic<std::uint32_t> asleep;
};

// Behind it, on a line of the cache for each of them: how often it has come, and what it says.
struct alignas(64) SharedMemory::Seat {
  std::atomic<std::uint32_t> came;
  std::atomic<std::uint64_t> said;
};
static_assert(std::atomic<std::uint32_t>::is_always_lock_free);
static_assert(std::atomic<std::uint64_t>::is_always_lock_free);

SharedMemory::SharedMemory(int descriptor, std::string address, int rank, int size, std::size_t part_bytes)
    : file_(descriptor),
      address_(std::move(address)),
      rank_(rank),
      size_(size),
      part_bytes_(Pages(part_bytes)) {}

SharedMemory::~SharedMemory() {
  if (memory_ != nullptr) munmap(memory_, Bytes());
}

std::size_t SharedMemory::Before() const {
  return Pages(sizeof(Hall) + size_ * sizeof(Seat));
}

std::size_t SharedMemory::Bytes() const {
  return Before() + (size_ + 1) * part_bytes_;
}

std::unique_ptr<SharedMemory> SharedMemory::Make(int size, std::size_t part_bytes) {
  const std::string name = RandomName();
  const int descriptor = memfd_create(name.c_str(), MFD_CLOEXEC);
  if (descriptor < 0) return nullptr;
  const std::string address = std::to_string(getpid()) + " " + std::to_string(descriptor) + " " + name;
  std::unique_ptr<SharedMemory> made(new SharedMemory(descriptor, address, 0, size, part_bytes));
  // All of it at once: where memory ran out later, writing to it would end the process.
  if (posix_fallocate(descriptor, 0, static_cast<off_t>(made->Bytes())) != 0 || !made->Map()) return nullptr;
  return made;
}

std::unique_ptr<SharedMemory> SharedMemory::Open(const std::string& address, int rank, int size,
                                                 std::size_t part_bytes) {
  const auto first = address.find(' '), second = address.find(' ', first + 1);
  if (second == std::string::npos) return nullptr;
  const std::string path = PlaceOf(address.substr(0, first), address.substr(first + 1, second - first - 1));
  // In another container, that process may be any one, and its file anything: the name tells.
  std::array<char, 100> link{};
  if (readlink(path.c_str(), link.data(), link.size() - 1) < 0) return nullptr;
  if (!std::string(link.data()).starts_with("/memfd:" + address.substr(second + 1))) return nullptr;
  const int descriptor = open(path.c_str(), O_RDWR | O_CLOEXEC);
  if (descriptor < 0) return nullptr;
  std::unique_ptr<SharedMemory> opened(new SharedMemory(descriptor, address, rank, size, part_bytes));
  return opened->Map() ? std::move(opened) : nullptr;
}

bool SharedMemory::Map() {
  struct stat status {};
  if (fstat(file_.get(), &status) != 0 || status.st_size != static_cast<off_t>(Bytes())) return false;
  // The kernel lets go of it when this process ends, however it does.
  auto lock = LockOf(rank_);
  if (fcntl(file_.get(), F_OFD_SETLK, &lock) != 0) return false;
  void* mapped = mmap(nullptr, Bytes(), PROT_READ | PROT_WRITE, MAP_SHARED, file_.get(), 0);
  if (mapped == MAP_FAILED) return false;
  memory_ = static_cast<std::byte*>(mapped);
  return true;
}

SharedMemory::Hall& SharedMemory::hall() const {
  return *reinterpret_cast<Hall*>(memory_);
}

SharedMemory::Seat& SharedMemory::seat(int rank) const {
  return reinterpret_cast<Seat*>(memory_ + sizeof(Hall))[rank];
}

void SharedMemory::Say(std::uint64_t number) {
  seat(rank_).said.store(number, std::memory_order_relaxed);
}

std::uint64_t SharedMemory::Said(int rank) const {
  return seat(rank).said.load(std::memory_order_relaxed);
}

void* SharedMemory::Part(int rank) const {
  return memory_ + Before() + rank * part_bytes_;
}

bool SharedMemory::Holds(int rank) const {
  auto lock = LockOf(rank);
  return fcntl(file_.get(), F_OFD_GETLK, &lock) != 0 || lock.l_type != F_UNLCK;
}

int SharedMemory::Missing() const {
  const auto mine = seat(rank_).came.load(std::memory_order_relaxed);
  for (int rank = 0; rank < size_; ++rank)
    // Counts begin anew after four billion.
    if (static_cast<std::int32_t>(seat(rank).came.load(std::memory_order_acquire) - mine) < 0) return rank;
  return -1;
}

void SharedMemory::Meet(std::chrono::milliseconds timeout, const std::function<bool()>& interrupted) {
  Hall& here = hall();
  const auto ring = [&here](int operation, std::uint32_t value, const timespec* nap) {
    syscall(SYS_futex, &here.bell, operation, value, nap, nullptr, 0);
  };
  seat(rank_).came.fetch_add(1);
  here.bell.fetch_add(1);
  // Whoever counts himself among them later has heard the bell.
  if (here.asleep.load() > 0) ring(FUTEX_WAKE, INT_MAX, nullptr);

  const auto began = SharedClock::now();
  while (Missing() >= 0 && SharedClock::now() - began < kLookOut) std::this_thread::yield();
  for (;;) {
    const auto heard = here.bell.load();
    int missing = Missing();
    if (missing < 0) return;
    here.asleep.fetch_add(1);
    ring(FUTEX_WAIT, heard, &kNap);
    here.asleep.fetch_sub(1);
    if (here.bell.load() != heard) continue;
    missing = Missing();
    if (missing < 0) return;
    if (interrupted()) throw std::runtime_error("interrupted");
    // One that has come since may have left since.
    if (!Holds(missing) && Missing() >= 0) throw std::runtime_error("its process has left");
    if (SharedClock::now() - began > timeout)
      throw std::runtime_error("timed out after " + std::to_string(timeout.count()) + " ms");
  }
}

}  // namespace torch_prune
