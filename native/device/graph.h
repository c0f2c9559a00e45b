#pragma once
#include <ATen/core/Generator.h>
#include <c10/core/Device.h>

#include <functional>
#include <memory>
#include <mutex>

namespace torch_prune {

// Work that a device does again and again: recorded once, and launched as one from then on. On a GPU it is a
// CUDA graph. A build without the headers of the CUDA runtime has none.
class DeviceGraph {
 public:
  using Maker = std::unique_ptr<DeviceGraph> (*)(const at::Device& device, const at::Generator& generator);

  virtual ~DeviceGraph() = default;
  DeviceGraph() = default;
  DeviceGraph(const DeviceGraph&) = delete;
  DeviceGraph& operator=(const DeviceGraph&) = delete;

  // Records what `work` launches on this thread, without running it. All memory that it reads and writes must
  // stay where it is; what it allocates belongs to the graph. Throws what `work` throws, and where something
  // of it cannot be recorded, such as reading a number back from the device.
  virtual void Record(const std::function<void()>& work) = 0;
  // Runs it once more. Random numbers that it draws from `generator` go on from one replay to the next.
  virtual void Replay() = 0;

  // Null where this build, or this device, has none.
  static std::unique_ptr<DeviceGraph> Make(const at::Device& device, const at::Generator& generator);
  // Of work that has run before, as libraries choose their algorithms then. Null, too, where it cannot be
  // recorded.
  static std::unique_ptr<DeviceGraph> Of(const at::Device& device, const at::Generator& generator,
                                         const std::function<void()>& work);
  // Whether this build has them at all.
  static bool Built();
};

// Waits until no graph is being recorded, and lets none begin while the result lives: whoever waits for all
// of a GPU would break a recording.
std::unique_lock<std::mutex> BetweenRecordings();

// Where the file that is only built with those headers announces itself.
class DeviceGraphKind {
 public:
  explicit DeviceGraphKind(DeviceGraph::Maker maker);
};

}  // namespace torch_prune
