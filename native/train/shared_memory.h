#pragma once
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "../base/descriptor.h"

namespace torch_prune {

// Memory that the processes of one machine share: a part for each of them, one more, and a place to meet. It
// has no name in any folder, and is gone with the last of them.
class SharedMemory {
 public:
  // Null where the machine has none to give. This process is rank 0.
  static std::unique_ptr<SharedMemory> Make(int size, std::size_t part_bytes);
  // That of rank 0, by its `address()`; null where it cannot be reached: on another machine, in another
  // container, of another user.
  static std::unique_ptr<SharedMemory> Open(const std::string& address, int rank, int size,
                                            std::size_t part_bytes);
  ~SharedMemory();
  SharedMemory(const SharedMemory&) = delete;
  SharedMemory& operator=(const SharedMemory&) = delete;

  const std::string& address() const { return address_; }
  // The memory of a process; that of rank `size` is everybody's.
  void* Part(int rank) const;

  // What each process says, for the others to read between the next meeting and the one after it.
  void Say(std::uint64_t number);
  std::uint64_t Said(int rank) const;

  // Waits until each process has come as often as this one: what it wrote before can be read then. Throws
  // std::runtime_error if one has ended, does not come in time, or `interrupted` says so.
  void Meet(std::chrono::milliseconds timeout, const std::function<bool()>& interrupted);

 private:
  struct Hall;
  struct Seat;
  SharedMemory(int descriptor, std::string address, int rank, int size, std::size_t part_bytes);
  // False where it cannot be mapped.
  bool Map();
  // All that there is, and what comes before the first part.
  std::size_t Bytes() const;
  std::size_t Before() const;
  Hall& hall() const;
  Seat& seat(int rank) const;
  // The first one that has not come as often as this one; -1 for none.
  int Missing() const;
  // Whether a process still holds on to it.
  bool Holds(int rank) const;

  const Descriptor file_;
  const std::string address_;
  const int rank_, size_;
  const std::size_t part_bytes_;
  std::byte* memory_ = nullptr;
};

}  // namespace torch_prune
