#pragma once
#include <ATen/core/Tensor.h>
#include <c10/util/intrusive_ptr.h>

#include <chrono>
#include <memory>
#include <string>

namespace c10d {
class Store;
class Work;
}  // namespace c10d

namespace torch_prune {

// Sums of tensors on GPUs over several processes, each of which has a GPU of its own: by NCCL. A build
// without its header has none.
class DeviceSums {
 public:
  struct Place {
    c10::intrusive_ptr<c10d::Store> store;  // through which the processes find each other
    int rank, size;
    std::chrono::milliseconds timeout;
  };
  struct Kind {
    std::unique_ptr<DeviceSums> (*make)(const Place& place);
    std::string (*identity)(const at::Device& device);
  };

  virtual ~DeviceSums() = default;
  DeviceSums() = default;
  DeviceSums(const DeviceSums&) = delete;
  DeviceSums& operator=(const DeviceSums&) = delete;

  // Finds the other processes, and waits for them, for as long as that takes.
  virtual void Connect(const at::Device& device) = 0;
  // Begins to replace a tensor, in place, by its sum over the processes.
  virtual c10::intrusive_ptr<c10d::Work> Start(const at::Tensor& flat) = 0;
  // Ends what was begun and does not end by itself, since another process is gone; nothing is begun after.
  virtual void Abort() = 0;

  // Whether this build has them at all.
  static bool Built();
  static std::unique_ptr<DeviceSums> Make(const Place& place);
  // Which GPU that is, of all that there are; empty where this build has no sums on it.
  static std::string Identity(const at::Device& device);
};

// Where the file that is only built with that header announces itself.
class DeviceSumsKind {
 public:
  explicit DeviceSumsKind(DeviceSums::Kind kind);
};

}  // namespace torch_prune
