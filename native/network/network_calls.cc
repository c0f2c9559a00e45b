#include "../base/arguments.h"
#include "../tensor/snapshot.h"
#include "../tensor/tensor.h"
#include "../tensor/transfer.h"
#include "network.h"

// What lib/ asks of a network on the main thread: none of it takes long.
namespace torch_prune {

std::shared_ptr<Network> ReadNetwork(const Napi::Value& value) {
  auto network = NetworkHandle::Get(value, "network");
  const auto& ownership = Environment::Of(value.Env()).ownership;
  for (const auto& named : network->tensors()) ownership.Check(named.tensor);
  return network;
}

std::shared_ptr<Network> UseNetwork(const Napi::Value& value) {
  auto network = NetworkHandle::Get(value, "network");
  const auto& ownership = Environment::Of(value.Env()).ownership;
  for (const auto& named : network->tensors()) ownership.CheckUnused(named.tensor);
  return network;
}

namespace {

// networkMake(layers, seed, device): its initial weights are not drawn yet.
Napi::Value Make(const Napi::CallbackInfo& info) {
  return NetworkHandle::Wrap(info.Env(),
                             std::make_shared<Network>(ToArray(info[0], "layers"),
                                                       static_cast<std::uint64_t>(ToInteger(info[1], "seed")),
                                                       ToDevice(info[2], "device")));
}

// networkDraw(network): draws the initial weights now.
Napi::Value Draw(const Napi::CallbackInfo& info) {
  NetworkHandle::Get(info[0], "network")->Draw();
  return info.Env().Undefined();
}

Napi::Value Dispose(const Napi::CallbackInfo& info) {
  NetworkHandle::Dispose(info[0]);
  return info.Env().Undefined();
}

Napi::Value Forward(const Napi::CallbackInfo& info) {
  const bool training = ToBoolean(info[2], "training");
  const auto network = training ? UseNetwork(info[0]) : ReadNetwork(info[0]);
  return Wrap(info.Env(), network->Forward(Unwrap(info[1], "input"), training));
}

// networkTensors(network): [{name, layer, parameter, shape, dtype}]
Napi::Value Tensors(const Napi::CallbackInfo& info) {
  const auto network = NetworkHandle::Get(info[0], "network");
  auto list = Napi::Array::New(info.Env(), network->tensors().size());
  std::uint32_t i = 0;
  for (const auto& named : network->tensors()) {
    auto entry = Napi::Object::New(info.Env());
    entry.Set("name", named.name);
    entry.Set("layer", named.layer->name);
    entry.Set("parameter", named.parameter);
    entry.Set("shape", ShapeOf(info.Env(), named.tensor));
    entry.Set("dtype", DTypeName(named.tensor.scalar_type()));
    list.Set(i++, entry);
  }
  return list;
}

// networkTensor(network, name): the parameter or buffer itself, not a copy.
Napi::Value TensorOf(const Napi::CallbackInfo& info) {
  const auto network = ReadNetwork(info[0]);
  network->Draw();
  return Wrap(info.Env(), network->Find(ToString(info[1], "name")).tensor);
}

// networkSnapshot(network, name): the values of one, as they are now.
Napi::Value SnapshotOf(const Napi::CallbackInfo& info) {
  const auto network = ReadNetwork(info[0]);
  network->Draw();
  return Wrap(info.Env(), Snapshot(network->Find(ToString(info[1], "name")).tensor));
}

// networkMask(network, name): a snapshot of the mask (bool, true where kept), or undefined.
Napi::Value MaskOf(const Napi::CallbackInfo& info) {
  const at::Tensor keep = KeptMask(ReadNetwork(info[0])->Find(ToString(info[1], "name")).tensor);
  return keep.defined() ? Wrap(info.Env(), Snapshot(keep)) : info.Env().Undefined();
}

// networkCodebook(network, name): snapshots of the index of a weight whose values are shared and of those
// values by index, {index, values}; or undefined.
Napi::Value CodebookOf(const Napi::CallbackInfo& info) {
  const auto& tensor = ReadNetwork(info[0])->Find(ToString(info[1], "name")).tensor;
  const at::Tensor index = SharedIndex(tensor);
  if (!index.defined()) return info.Env().Undefined();
  auto codebook = Napi::Object::New(info.Env());
  codebook.Set("index", Wrap(info.Env(), Snapshot(index)));
  codebook.Set("values", Wrap(info.Env(), Parametrization::Of(tensor)->Shared(tensor)));
  return codebook;
}

// networkParametrizations(network): {name: 'sealed'}, of the parameters that are not plain.
Napi::Value Parametrizations(const Napi::CallbackInfo& info) {
  auto names = Napi::Object::New(info.Env());
  for (const auto& named : ReadNetwork(info[0])->tensors()) {
    const auto* parametrization = Parametrization::Of(named.tensor);
    if (parametrization != nullptr) names.Set(named.name, parametrization->name());
  }
  return names;
}

Napi::Value SetTrainable(const Napi::CallbackInfo& info) {
  UseNetwork(info[0])->SetTrainable(ToString(info[1], "layer"), ToBoolean(info[2], "trainable"));
  return info.Env().Undefined();
}

// networkFrozenPrefix(network): the position of the last layer that can be cached, -1 where none can.
Napi::Value FrozenPrefix(const Napi::CallbackInfo& info) {
  return Napi::Number::New(info.Env(), ReadNetwork(info[0])->FrozenPrefix());
}

Napi::Value SetDropout(const Napi::CallbackInfo& info) {
  UseNetwork(info[0])->FindLayer(ToString(info[1], "layer")).SetDropout(ToNumber(info[2], "p"));
  return info.Env().Undefined();
}

Napi::Value Reseed(const Napi::CallbackInfo& info) {
  UseNetwork(info[0])->Reseed(static_cast<std::uint64_t>(ToInteger(info[1], "seed")));
  return info.Env().Undefined();
}

// networkRandomState(network): uint8 [n]
Napi::Value RandomState(const Napi::CallbackInfo& info) {
  return Wrap(info.Env(), ReadNetwork(info[0])->RandomState());
}

Napi::Value SetRandomState(const Napi::CallbackInfo& info) {
  UseNetwork(info[0])->SetRandomState(Unwrap(info[1], "state"));
  return info.Env().Undefined();
}

}  // namespace

void RegisterNetwork(Napi::Env env, Napi::Object exports) {
  NetworkHandle::Register(env);
  Export<Make>(exports, "networkMake");
  Export<Draw>(exports, "networkDraw");
  Export<Dispose>(exports, "networkDispose");
  Export<Forward>(exports, "networkForward");
  Export<Tensors>(exports, "networkTensors");
  Export<TensorOf>(exports, "networkTensor");
  Export<SnapshotOf>(exports, "networkSnapshot");
  Export<MaskOf>(exports, "networkMask");
  Export<CodebookOf>(exports, "networkCodebook");
  Export<Parametrizations>(exports, "networkParametrizations");
  Export<SetTrainable>(exports, "networkSetTrainable");
  Export<FrozenPrefix>(exports, "networkFrozenPrefix");
  Export<SetDropout>(exports, "networkSetDropout");
  Export<Reseed>(exports, "networkReseed");
  Export<RandomState>(exports, "networkRandomState");
  Export<SetRandomState>(exports, "networkSetRandomState");
}

}  // namespace torch_prune
