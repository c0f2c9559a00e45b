#include "../tensor/tensor.h"
#include "network.h"
#include "optimizer.h"

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

Napi::Value Make(const Napi::CallbackInfo& info) {
  return NetworkHandle::Wrap(
      info.Env(), std::make_shared<Network>(ToArray(info[0], "layers"),
                                            static_cast<std::uint64_t>(ToInteger(info[1], "seed"))));
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

// networkTensors(network): [{name, layer, parameter}]
Napi::Value Tensors(const Napi::CallbackInfo& info) {
  const auto network = NetworkHandle::Get(info[0], "network");
  auto list = Napi::Array::New(info.Env(), network->tensors().size());
  std::uint32_t i = 0;
  for (const auto& named : network->tensors()) {
    auto entry = Napi::Object::New(info.Env());
    entry.Set("name", named.name);
    entry.Set("layer", named.layer->name);
    entry.Set("parameter", named.parameter);
    list.Set(i++, entry);
  }
  return list;
}

// networkTensor(network, name): the parameter or buffer itself, not a copy.
Napi::Value TensorOf(const Napi::CallbackInfo& info) {
  return Wrap(info.Env(), ReadNetwork(info[0])->Find(ToString(info[1], "name")).tensor);
}

// networkLoad(network, name, tensor): copies values in; a mask on the parameter is applied to them.
Napi::Value Load(const Napi::CallbackInfo& info) {
  const auto& named = UseNetwork(info[0])->Find(ToString(info[1], "name"));
  const auto& values = Unwrap(info[2], "values");
  if (values.sizes() != named.tensor.sizes()) {
    throw Error("ERR_SHAPE", "'" + named.name + "' has shape " + c10::str(named.tensor.sizes()) +
                                 ", the values have " + c10::str(values.sizes()));
  }
  const at::NoGradGuard no_grad;
  named.tensor.copy_(values);
  if (const MaskHook* hook = FindSeal(named.tensor)) hook->Seal(named.tensor.data());
  return info.Env().Undefined();
}

// networkSetMask(network, name, keep | undefined)
Napi::Value SetMaskOf(const Napi::CallbackInfo& info) {
  const auto& named = UseNetwork(info[0])->Find(ToString(info[1], "name"));
  if (info[2].IsUndefined()) {
    RemoveMask(named.tensor);
  } else {
    SetMask(named.tensor, Unwrap(info[2], "mask"));
    SealMoments(Environment::Of(info.Env()).optimizers, named.tensor);
  }
  return info.Env().Undefined();
}

// networkMask(network, name): a copy of the mask (bool, true where kept), or undefined.
Napi::Value MaskOf(const Napi::CallbackInfo& info) {
  const MaskHook* hook = FindMask(ReadNetwork(info[0])->Find(ToString(info[1], "name")).tensor);
  return hook ? Wrap(info.Env(), hook->keep().clone()) : info.Env().Undefined();
}

// networkSplice(network, name, keep | undefined): a spliced mask, in place of the one that is there;
// undefined keeps what that keeps, or all.
Napi::Value Splice(const Napi::CallbackInfo& info) {
  const auto& parameter = UseNetwork(info[0])->Find(ToString(info[1], "name")).tensor;
  const MaskHook* hook = FindMask(parameter);
  const at::Tensor keep = !info[2].IsUndefined() ? Unwrap(info[2], "mask")
                          : hook != nullptr      ? hook->keep()
                                                 : at::ones(parameter.sizes(), at::kBool);
  SetMask(parameter, keep, MaskKind::kSpliced);
  return info.Env().Undefined();
}

// networkSpliced(network): the names of the parameters that are spliced.
Napi::Value Spliced(const Napi::CallbackInfo& info) {
  auto names = Napi::Array::New(info.Env());
  std::uint32_t count = 0;
  for (const auto& named : ReadNetwork(info[0])->tensors()) {
    if (named.parameter && FindSplice(named.tensor) != nullptr) names.Set(count++, named.name);
  }
  return names;
}

// networkUnsealed(network): {name: count} of pruned places whose bits are not +0, in weights, gradients and
// moments.
Napi::Value Unsealed(const Napi::CallbackInfo& info) {
  auto found = Napi::Object::New(info.Env());
  const auto note = [&found](const std::string& name, std::int64_t count) {
    if (count > 0) found.Set(name, static_cast<double>(count));
  };
  for (const auto& named : ReadNetwork(info[0])->tensors()) {
    const MaskHook* hook = named.parameter ? FindSeal(named.tensor) : nullptr;
    if (hook == nullptr) continue;
    note(named.name, hook->Unsealed(named.tensor));
    if (named.tensor.grad().defined()) note(named.name + ".grad", hook->Unsealed(named.tensor.grad()));
    ForEachMoment(Environment::Of(info.Env()).optimizers, named.tensor,
                  [&](const std::string& moment, const at::Tensor& values) {
                    note(named.name + "." + moment, hook->Unsealed(values));
                  });
  }
  return found;
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
  UseNetwork(info[0])->FindLayer(ToString(info[1], "layer")).rate = ToNumber(info[2], "p");
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

Napi::Value To(const Napi::CallbackInfo& info) {
  UseNetwork(info[0])->To(ToDevice(info[1], "device"));
  return info.Env().Undefined();
}

}  // namespace

void RegisterNetwork(Napi::Env env, Napi::Object exports) {
  NetworkHandle::Register(env);
  Export<Make>(exports, "networkMake");
  Export<Dispose>(exports, "networkDispose");
  Export<Forward>(exports, "networkForward");
  Export<Tensors>(exports, "networkTensors");
  Export<TensorOf>(exports, "networkTensor");
  Export<Load>(exports, "networkLoad");
  Export<SetMaskOf>(exports, "networkSetMask");
  Export<MaskOf>(exports, "networkMask");
  Export<Splice>(exports, "networkSplice");
  Export<Spliced>(exports, "networkSpliced");
  Export<Unsealed>(exports, "networkUnsealed");
  Export<SetTrainable>(exports, "networkSetTrainable");
  Export<FrozenPrefix>(exports, "networkFrozenPrefix");
  Export<SetDropout>(exports, "networkSetDropout");
  Export<Reseed>(exports, "networkReseed");
  Export<RandomState>(exports, "networkRandomState");
  Export<SetRandomState>(exports, "networkSetRandomState");
  Export<To>(exports, "networkTo");
}

}  // namespace torch_prune
