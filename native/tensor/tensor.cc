#include "tensor.h"

#include "../base/arguments.h"
#include "transfer.h"

namespace torch_prune {

TensorState::TensorState(Napi::Env env, at::Tensor held)
    : tensor(std::move(held)),
      env_(env),
      accounts_(Environment::Of(env).accounts),
      storage_(tensor.has_storage() ? tensor.storage().unsafeGetStorageImpl() : nullptr),
      bytes_(storage_ ? static_cast<std::int64_t>(tensor.storage().nbytes()) : 0) {
  ++accounts_->live;
  if (++accounts_->handles[storage_] > 1) return;
  accounts_->bytes += bytes_;
  Napi::MemoryManagement::AdjustExternalMemory(env_, bytes_);
}

TensorState::~TensorState() {
  --accounts_->live;
  const auto entry = accounts_->handles.find(storage_);
  if (--entry->second > 0) return;
  accounts_->handles.erase(entry);
  accounts_->bytes -= bytes_;
  Napi::MemoryManagement::AdjustExternalMemory(env_, -bytes_);
}

Napi::Value Wrap(Napi::Env env, at::Tensor tensor) {
  if (!tensor.defined()) return env.Undefined();
  DTypeName(tensor.scalar_type());  // throws for a dtype that lib/ has no name for
  if (tensor.layout() != at::kStrided || !tensor.has_storage())
    throw Error("ERR_ARGUMENT", "sparse and opaque tensors are not supported: use dense ones");
  // Memory that JavaScript holds must stay where it is, because a job or a dataset may be reading it.
  tensor.storage().unsafeGetStorageImpl()->set_resizable(false);
  return TensorHandle::Wrap(env, std::make_shared<TensorState>(env, std::move(tensor)));
}

const at::Tensor& Unwrap(Napi::Value value, const char* what) {
  const auto& tensor = TensorHandle::Get(value, what)->tensor;
  Environment::Of(value.Env()).ownership.Check(tensor);
  return tensor;
}

const at::Tensor& UnwrapToWrite(Napi::Value value, const char* what) {
  const auto& tensor = TensorHandle::Get(value, what)->tensor;
  Environment::Of(value.Env()).ownership.CheckWritable(tensor);
  return tensor;
}

namespace {

Napi::Value Dispose(const Napi::CallbackInfo& info) {
  TensorHandle::Dispose(info[0]);
  return info.Env().Undefined();
}

Napi::Value Disposed(const Napi::CallbackInfo& info) {
  return Napi::Boolean::New(info.Env(), TensorHandle::Disposed(info[0]));
}

Napi::Value Describe(const Napi::CallbackInfo& info) {
  // Reading a tensor's description disturbs no job, so ownership is not checked.
  const auto& tensor = TensorHandle::Get(info[0], "tensor")->tensor;
  auto description = Napi::Object::New(info.Env());
  description.Set("shape", ShapeOf(info.Env(), tensor));
  description.Set("dtype", DTypeName(tensor.scalar_type()));
  description.Set("device", DeviceName(tensor.device()));
  description.Set("contiguous", tensor.is_contiguous());
  return description;
}

Napi::Value RequiresGrad(const Napi::CallbackInfo& info) {
  return Napi::Boolean::New(info.Env(), TensorHandle::Get(info[0], "tensor")->tensor.requires_grad());
}

Napi::Value LiveTensors(const Napi::CallbackInfo& info) {
  const auto& accounts = *Environment::Of(info.Env()).accounts;
  auto counts = Napi::Object::New(info.Env());
  counts.Set("tensors", static_cast<double>(accounts.live));
  counts.Set("bytes", static_cast<double>(accounts.bytes));
  return counts;
}

}  // namespace

void RegisterTensor(Napi::Env env, Napi::Object exports) {
  TensorHandle::Register(env);
  Export<Dispose>(exports, "tensorDispose");
  Export<Disposed>(exports, "tensorDisposed");
  Export<Describe>(exports, "tensorDescribe");
  Export<RequiresGrad>(exports, "tensorRequiresGrad");
  Export<LiveTensors>(exports, "liveTensors");
}

}  // namespace torch_prune
