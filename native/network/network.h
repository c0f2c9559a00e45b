#pragma once
#include <atomic>
#include <functional>
#include <mutex>
#include <unordered_map>

#include "../base/field_types.h"
#include "../base/handle.h"
#include "../layers/layer.h"
#include "../parameter/parametrization.h"

namespace torch_prune {

// A parameter or buffer under its full PyTorch name, such as 'features.0.weight'.
struct NamedTensor {
  std::string name;
  at::Tensor tensor;
  Layer* layer;
  bool parameter;
};

// A layer graph with its parameters. Layers stand in an order in which inputs come before their readers.
//
// A hundred million initial weights take a second to draw, so the constructor leaves that to whoever has the
// time: they lie in memory that nothing has touched yet, until Draw() or Put() filled it.
class Network {
 public:
  static constexpr std::uint64_t kTag = 2;
  static constexpr const char* kName = "network";

  Network(const Napi::Array& specification, std::uint64_t seed, const at::Device& device);

  // Draws the initial weights of one more layer, on any thread; false where none is left.
  bool DrawNext();
  // Draws what is left of them, or waits for the thread that is at it. Costs nothing once it is done.
  void Draw() {
    while (!drawn_.load(std::memory_order_acquire)) DrawNext();
  }
  // Drops the drawing: all of them were given other values.
  void DropDrawing();

  // Called with each layer's position and output while they still exist.
  using Observer = std::function<void(int, const at::Tensor&)>;
  at::Tensor Forward(const at::Tensor& input, bool training, const Observer& observe = nullptr) {
    return Run(-1, input, static_cast<int>(layers_.size()) - 1, training, observe);
  }
  // Runs the layers behind position `after`, whose output is `given`, up to and with `last`; `steps` as
  // ForwardContext has it.
  at::Tensor Run(int after, const at::Tensor& given, int last, bool training,
                 const Observer& observe = nullptr, const KeptLinears* steps = nullptr);

  // The last layer of the part in front that is frozen and deterministic and hands on one tensor alone; -1
  // where there is none. What such a layer puts out for a sample never changes, so it can be kept.
  int FrozenPrefix() const;

  // Parameters and buffers, in the order of layers.
  const std::vector<NamedTensor>& tensors() const { return tensors_; }
  const NamedTensor& Find(const std::string& name) const;
  Layer& FindLayer(const std::string& name) const;
  const std::vector<std::shared_ptr<Layer>>& layers() const { return layers_; }
  const at::Device& device() const { return device_; }
  // How images lie in memory while it computes; so do weights of four dimensions (memory_format.cc).
  at::MemoryFormat format() const { return format_; }
  void SetFormat(at::MemoryFormat format) { format_ = format; }
  // Everything that a job over this network owns while it runs.
  std::vector<at::Tensor> Owned() const;

  void SetTrainable(const std::string& layer, bool trainable);
  // What is to take the place of a tensor's values, and of its parametrization. Made on any thread.
  struct Moved {
    Moved(at::Tensor tensor, at::Tensor data);
    // Puts it there; where claims are made, since they are on the memory that a tensor has.
    void Place();

    at::Tensor tensor, data;
    std::unique_ptr<Parametrization> parametrization = nullptr;
  };
  std::vector<Moved> MovedTo(const at::Device& device) const;
  // Places them all, and lets go of the gradients.
  void Move(std::vector<Moved>& moved, const at::Device& device);
  // The generator that dropout draws from.
  const at::Generator& generator() const { return generator_; }
  // Restarts it.
  void Reseed(std::uint64_t seed);
  // Where that generator stands, as a tensor of bytes.
  at::Tensor RandomState();
  void SetRandomState(const at::Tensor& state);

 private:
  std::vector<std::shared_ptr<Layer>> layers_;
  std::mutex drawing_;
  std::size_t next_drawn_ = 0;  // of the layers
  std::atomic<bool> drawn_{false};
  std::mutex generators_;
  at::Generator initial_;         // draws the initial weights
  bool continues_ = true;         // whether dropout goes on from where that ends
  std::vector<int> last_reader_;  // of each layer's output: when it can be let go
  std::vector<NamedTensor> tensors_;
  std::unordered_map<std::string, std::size_t> position_;  // of a name in tensors_
  std::unordered_map<std::string, std::size_t> layer_position_;
  at::Device device_{at::kCPU};
  at::MemoryFormat format_ = at::MemoryFormat::Contiguous;
  at::Generator generator_;
};

using NetworkHandle = Handle<Network>;

void RegisterNetwork(Napi::Env env, Napi::Object exports);

// The network of a handle, to be read: no job writes it.
std::shared_ptr<Network> ReadNetwork(const Napi::Value& value);
// The same to be changed: no job uses it.
std::shared_ptr<Network> UseNetwork(const Napi::Value& value);
// Fields that are networks are to be read.
template <>
struct FieldType<std::shared_ptr<Network>> {
  using Type = std::shared_ptr<Network>;
  static std::string Kind() { return "network"; }
  static Type Read(const Napi::Value& value, const std::string&) { return ReadNetwork(value); }
};

}  // namespace torch_prune
