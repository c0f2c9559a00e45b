#pragma once
#include <ATen/ATen.h>

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "../base/fields.h"
#include "../ops/kept_linear.h"
#include "lowering.h"

namespace torch_prune {

// What a forward pass is told beside its inputs.
struct ForwardContext {
  bool training;
  at::Generator& generator;  // of the network: dropout draws from it, so runs repeat
  // Where one backward follows, which nobody derives, and a step: the layers that compute with their kept
  // weights alone, whose others are out of date. Null elsewhere.
  const KeptLinears* steps = nullptr;
};

// A node of the layer graph. A kind of layer is a class in a file of its own, which registers it
// (registry.h); everything else asks these functions.
//
// It is no torch::nn::Module, whose headers cost every file that includes this one three seconds of the
// compiler's time, and of which it would only use the two lists below.
class Layer {
 public:
  // A tensor under PyTorch's name of it within the layer, such as 'weight'.
  struct Held {
    std::string name;
    at::Tensor tensor;
  };

  Layer() = default;
  virtual ~Layer() = default;
  Layer(const Layer&) = delete;
  Layer& operator=(const Layer&) = delete;

  // What is trained, and what is kept beside it, each in PyTorch's order.
  const std::vector<Held>& parameters() const { return parameters_; }
  const std::vector<Held>& buffers() const { return buffers_; }

  virtual at::Tensor Forward(const std::vector<at::Tensor>& inputs, ForwardContext& context) = 0;
  // As torch.nn initializes, drawing in its order: weight, then bias.
  virtual void Initialize(at::Generator&) {}
  // Whether that fills all of its parameters: before, they hold whatever lay in their memory.
  virtual bool Draws() const { return false; }
  // Whether Forward may overwrite its one input when nothing else reads it and autograd does not need it.
  virtual bool CanOverwrite() const { return false; }
  // Whether backward needs the layer's own output, or the output is its input: then it may not be
  // overwritten.
  virtual bool OutputMayBeOverwritten() const { return false; }

  // The fewest layers that it reads.
  virtual std::size_t MinInputs() const { return 1; }
  // Whether its output in training depends on more than its input.
  virtual bool IsRandom() const { return false; }
  // The share that it zeroes while training; throws where it zeroes none.
  virtual void SetDropout(double rate);
  virtual double dropout() const { return 0; }
  // The momentum of running statistics, where it keeps any: the share that a batch has in them.
  virtual std::optional<double> StatisticsMomentum() const { return std::nullopt; }
  virtual void SetStatisticsMomentum(double) {}
  // Begins to count batches anew.
  virtual void RestartStatistics() {}

  // What it computes while it does not train, with the values that it has now.
  virtual Lowering Lower() const { return {}; }

  // Into how many independent groups the channels are split.
  virtual std::int64_t groups() const { return 1; }
  // Whether the rows of its weight are what it reads, and the columns what it puts out.
  virtual bool InputsFirst() const { return false; }

  std::string name;
  std::vector<int> inputs;  // positions of earlier layers; -1 is the network's input
  bool trainable = true;    // a frozen layer has no gradient and runs in evaluation mode
  bool overwrites = false;  // decided once, from the graph

 protected:
  at::Tensor Parameter(const char* name, at::Tensor first);
  at::Tensor Buffer(const char* name, at::Tensor first);

 private:
  std::vector<Held> parameters_, buffers_;
};

// The layer of a specification from lib/nn/layers, {kind, ...}, of which the caller has taken what it reads
// itself.
std::shared_ptr<Layer> MakeLayer(Given& specification);

}  // namespace torch_prune
