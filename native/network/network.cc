#include "network.h"

#include <ATen/CPUGeneratorImpl.h>
#include <ATen/core/grad_mode.h>

#include <algorithm>

namespace torch_prune {
namespace {

at::Generator NewGenerator(const at::Device& device, std::uint64_t seed) {
  at::Generator generator = device.is_cpu() ? at::detail::createCPUGenerator(seed)
                                            : at::globalContext().defaultGenerator(device).clone();
  std::lock_guard lock(generator.mutex());
  generator.set_current_seed(seed);
  return generator;
}

}  // namespace

Network::Network(const Napi::Array& specification, std::uint64_t seed, const at::Device& device)
    : initial_(NewGenerator(at::kCPU, seed)), device_(device), generator_(NewGenerator(device, seed)) {
  for (std::uint32_t i = 0; i < specification.Length(); ++i) {
    Given given(specification.Get(i), "layer");
    const auto name = given.Take<std::string>("name");
    const auto inputs = given.Take<std::vector<std::string>>("inputs");
    auto layer = MakeLayer(given);
    layer->name = name;
    for (const auto& input : inputs) {
      if (input == "input") {
        layer->inputs.push_back(-1);
        continue;
      }
      const auto found = layer_position_.find(input);
      if (found == layer_position_.end()) {
        throw Error("ERR_ARGUMENT", "layer '" + layer->name + "' reads from '" + input +
                                        "', which no earlier layer is called");
      }
      layer->inputs.push_back(static_cast<int>(found->second));
    }
    if (layer->inputs.size() < layer->MinInputs()) {
      throw Error("ERR_ARGUMENT", "layer '" + layer->name + "' has too few inputs");
    }
    if (!layer_position_.emplace(layer->name, i).second) {
      throw Error("ERR_ARGUMENT", "two layers are called '" + layer->name + "'");
    }
    layers_.push_back(std::move(layer));
  }
  if (layers_.empty()) throw Error("ERR_ARGUMENT", "a network needs at least one layer");

  std::vector<int> readers(layers_.size(), 0);
  last_reader_.assign(layers_.size(), static_cast<int>(layers_.size()));
  for (std::size_t i = 0; i < layers_.size(); ++i) {
    for (const int input : layers_[i]->inputs) {
      if (input < 0) continue;
      ++readers[input];
      last_reader_[input] = static_cast<int>(i);
    }
  }
  for (const auto& layer : layers_) {
    const int input = layer->inputs[0];
    layer->overwrites = layer->CanOverwrite() && input >= 0 && readers[input] == 1 &&
                        layers_[input]->OutputMayBeOverwritten();
    for (const auto& held : layer->parameters()) {
      tensors_.push_back({layer->name + "." + held.name, held.tensor, layer.get(), true});
    }
    for (const auto& held : layer->buffers()) {
      tensors_.push_back({layer->name + "." + held.name, held.tensor, layer.get(), false});
    }
  }
  for (std::size_t i = 0; i < tensors_.size(); ++i) position_.emplace(tensors_[i].name, i);
  if (device.is_cpu()) return;
  const at::NoGradGuard no_grad;
  for (const auto& named : tensors_) {
    // What is drawn has nothing to take along yet.
    const bool empty = named.parameter && named.layer->Draws();
    at::Tensor(named.tensor)
        .set_data(empty ? at::empty_like(named.tensor, named.tensor.options().device(device))
                        : named.tensor.to(device));
  }
}

bool Network::DrawNext() {
  const std::lock_guard lock(drawing_);
  if (drawn_) return false;
  layers_[next_drawn_]->Initialize(initial_);
  if (++next_drawn_ < layers_.size()) return true;
  {
    const std::lock_guard generators(generators_);
    if (continues_ && device_.is_cpu()) generator_ = initial_;
    initial_ = at::Generator();
  }
  drawn_.store(true, std::memory_order_release);
  return false;
}

void Network::DropDrawing() {
  const std::lock_guard lock(drawing_);
  next_drawn_ = layers_.size();
  drawn_.store(true, std::memory_order_release);
}

at::Tensor Network::Run(int after, const at::Tensor& given, int last, bool training, const Observer& observe,
                        const KeptLinears* steps) {
  Draw();
  const bool relay = format_ == at::MemoryFormat::ChannelsLast && given.dim() == 4;
  const at::Tensor value = relay ? given.contiguous(format_) : given;
  std::vector<at::Tensor> outputs(layers_.size());
  if (after >= 0) outputs[after] = value;
  std::vector<at::Tensor> inputs;
  for (int i = after + 1; i <= last; ++i) {
    Layer& layer = *layers_[i];
    inputs.clear();
    for (const int from : layer.inputs) inputs.push_back(from < 0 ? value : outputs[from]);
    for (const int from : layer.inputs) {
      if (from >= 0 && last_reader_[from] == i) outputs[from].reset();
    }
    ForwardContext context{training && layer.trainable, generator_, steps};
    outputs[i] = layer.Forward(inputs, context);
    if (observe) observe(i, outputs[i]);
  }
  return outputs[last];
}

int Network::FrozenPrefix() const {
  int cut = -1;
  int reach = -1;  // the last layer that reads something in front of where the walk stands
  bool reads_input = false;
  for (int i = 0; i + 1 < static_cast<int>(layers_.size()); ++i) {
    const Layer& layer = *layers_[i];
    if (layer.IsRandom() || (layer.trainable && !layer.parameters().empty())) break;
    // A cut behind i works when nothing later reads past it: not an earlier layer, and not the input.
    for (int j = 0; j < i; ++j) reach = std::max(reach, last_reader_[j]);
    reads_input = std::any_of(layers_.begin() + i + 1, layers_.end(), [](const auto& later) {
      return std::find(later->inputs.begin(), later->inputs.end(), -1) != later->inputs.end();
    });
    if (reach <= i && !reads_input) cut = i;
  }
  // Without a layer that computes in front there is nothing to save.
  const bool computes = std::any_of(layers_.begin(), layers_.begin() + cut + 1,
                                    [](const auto& layer) { return !layer->parameters().empty(); });
  return computes ? cut : -1;
}

const NamedTensor& Network::Find(const std::string& name) const {
  const auto found = position_.find(name);
  if (found == position_.end())
    throw Error("ERR_ARGUMENT", "the network has no parameter or buffer called '" + name + "'");
  return tensors_[found->second];
}

Layer& Network::FindLayer(const std::string& name) const {
  const auto found = layer_position_.find(name);
  if (found == layer_position_.end())
    throw Error("ERR_ARGUMENT", "the network has no layer called '" + name + "'");
  return *layers_[found->second];
}

std::vector<at::Tensor> Network::Owned() const {
  std::vector<at::Tensor> owned;
  for (const auto& named : tensors_) {
    owned.push_back(named.tensor);
    if (named.tensor.grad().defined()) owned.push_back(named.tensor.grad());
  }
  return owned;
}

void Network::SetTrainable(const std::string& name, bool trainable) {
  Layer& layer = FindLayer(name);
  layer.trainable = trainable;
  for (const auto& parameter : layer.parameters()) {
    parameter.tensor.set_requires_grad(trainable);
    // A stale gradient would move the layer again at the next step of any optimizer.
    if (!trainable) parameter.tensor.mutable_grad() = at::Tensor();
  }
}

std::vector<Network::Moved> Network::MovedTo(const at::Device& device) const {
  std::vector<Moved> moved;
  if (device == device_) return moved;
  const at::NoGradGuard no_grad;
  for (const auto& named : tensors_) {
    moved.emplace_back(named.tensor, named.tensor.detach().to(device));
  }
  return moved;
}

Network::Moved::Moved(at::Tensor from, at::Tensor to) : tensor(std::move(from)), data(std::move(to)) {
  if (const auto* there = Parametrization::Of(tensor)) parametrization = there->Like(data);
}

void Network::Moved::Place() {
  // set_data keeps the tensor's identity: handles, hooks and optimizers stay with it.
  tensor.set_data(data);
  if (parametrization) Parametrization::Attach(tensor, std::move(parametrization));
}

void Network::Move(std::vector<Moved>& moved, const at::Device& device) {
  if (device == device_) return;
  for (auto& each : moved) {
    each.tensor.mutable_grad() = at::Tensor();
    each.Place();
  }
  device_ = device;
  generator_ = NewGenerator(device, generator_.current_seed());
}

void Network::Reseed(std::uint64_t seed) {
  const std::lock_guard lock(generators_);
  if (device_.is_cpu()) {
    generator_ = NewGenerator(device_, seed);
  } else {
    // In place, for recorded steps draw from it.
    const std::lock_guard drawing(generator_.mutex());
    generator_.set_current_seed(seed);
  }
  continues_ = false;
}

at::Tensor Network::RandomState() {
  if (continues_) Draw();
  std::lock_guard lock(generator_.mutex());
  return generator_.get_state();
}

void Network::SetRandomState(const at::Tensor& state) {
  const std::lock_guard generators(generators_);
  continues_ = false;
  std::lock_guard lock(generator_.mutex());
  generator_.set_state(state);
}

}  // namespace torch_prune
