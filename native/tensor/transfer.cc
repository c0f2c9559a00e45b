#include <ATen/ATen.h>
#include <ATen/core/grad_mode.h>
#include <c10/core/Event.h>
#include <c10/core/StreamGuard.h>
#include <c10/core/impl/VirtualGuardImpl.h>

#include <cstring>
#include <memory>
#include <unordered_map>

#include "../base/arguments.h"
#include "snapshot.h"
#include "tensor.h"
#include "transfer.h"

namespace torch_prune {

Napi::Array ShapeOf(Napi::Env env, const at::Tensor& tensor) {
  auto shape = Napi::Array::New(env, tensor.dim());
  for (std::int64_t i = 0; i < tensor.dim(); ++i)
    shape.Set(static_cast<std::uint32_t>(i), static_cast<double>(tensor.size(i)));
  return shape;
}

namespace {

// fromBytes(bytes: Uint8Array, dtype, shape, device): makes a copy, so that the array may change or
// disappear.
Napi::Value FromBytes(const Napi::CallbackInfo& info) {
  const auto dtype = ToDType(info[1], "dtype");
  const auto shape = ToShape(info[2], "shape");
  const auto device = ToDevice(info[3], "device");
  std::int64_t elements = 1;
  for (const auto size : shape) elements *= size;
  const auto expected = static_cast<std::size_t>(elements) * c10::elementSize(dtype);
  const auto bytes = BytesOf(info[0], "data");  // after the shape, whose getters may have resized it
  if (bytes.size() != expected) {
    throw Error("ERR_SHAPE", "data holds " + std::to_string(bytes.size() / c10::elementSize(dtype)) +
                                 " elements, but the shape asks for " + std::to_string(elements));
  }
  at::Tensor tensor = at::empty(shape, at::TensorOptions().dtype(dtype));
  if (expected > 0) std::memcpy(tensor.mutable_data_ptr(), bytes.data(), expected);
  return Wrap(info.Env(), device.is_cpu() ? tensor : tensor.to(device));
}

// toBytes(tensor): returns an ArrayBuffer with the elements in row-major order.
Napi::Value ToBytes(const Napi::CallbackInfo& info) {
  const at::NoGradGuard no_grad;
  const at::Tensor tensor = Unwrap(info[0], "tensor").detach().cpu().contiguous();
  auto buffer = Napi::ArrayBuffer::New(info.Env(), tensor.nbytes());
  if (tensor.nbytes() > 0) std::memcpy(buffer.Data(), tensor.const_data_ptr(), tensor.nbytes());
  return buffer;
}

// A part of a tensor's bytes in row-major order, and an array of its length.
struct Stretch {
  at::Tensor tensor;
  std::int64_t offset;
  std::span<const std::uint8_t> array;
};

Stretch ToStretch(const Napi::CallbackInfo& info) {
  const auto offset = ToInteger(info[1], "offset");
  Stretch stretch{Unwrap(info[0], "tensor").detach(), offset, BytesOf(info[2], "bytes")};
  if (!stretch.tensor.is_cpu() || !stretch.tensor.is_contiguous())
    throw Error("ERR_DEVICE", "only a contiguous tensor on the CPU has bytes in a row");
  const auto bytes = static_cast<std::int64_t>(stretch.tensor.nbytes());
  const auto length = static_cast<std::int64_t>(stretch.array.size());
  if (offset < 0 || length > bytes || offset > bytes - length) {
    throw Error("ERR_ARGUMENT", std::to_string(length) + " bytes from " + std::to_string(offset) +
                                    " on of a tensor that has " + std::to_string(bytes));
  }
  return stretch;
}

// tensorRead(tensor, offset, bytes): copies bytes of a tensor into an array. Large tensors are read a part at
// a time, and the event loop runs in between.
Napi::Value Read(const Napi::CallbackInfo& info) {
  const auto [tensor, offset, array] = ToStretch(info);
  if (array.empty()) return info.Env().Undefined();
  std::memcpy(const_cast<std::uint8_t*>(array.data()),
              static_cast<const std::uint8_t*>(tensor.const_data_ptr()) + offset, array.size());
  return info.Env().Undefined();
}

// tensorWrite(tensor, offset, bytes): copies in the other direction.
Napi::Value Write(const Napi::CallbackInfo& info) {
  const auto [tensor, offset, array] = ToStretch(info);
  if (array.empty()) return info.Env().Undefined();
  std::memcpy(static_cast<std::uint8_t*>(tensor.mutable_data_ptr()) + offset, array.data(), array.size());
  return info.Env().Undefined();
}

// tensorSnapshot(tensor): its values as they are now
Napi::Value TakeSnapshot(const Napi::CallbackInfo& info) {
  return Wrap(info.Env(), Snapshot(Unwrap(info[0], "tensor")));
}

// A copy on the CPU, in row-major order. What a GPU computes meanwhile goes on: copies have a stream of their
// own.
at::Tensor HostCopy(const at::Tensor& tensor, std::unordered_map<int, c10::Stream>& streams) {
  const at::Device device = tensor.device();
  if (device.is_cpu()) return tensor.contiguous();
  const c10::impl::VirtualGuardImpl gpu(device.type());
  const auto own = streams.try_emplace(device.index(), gpu.getStreamFromGlobalPool(device)).first->second;
  c10::Event now(device.type());
  // Jobs, and the main thread, launch there: what is to be copied may not have been computed yet.
  now.record(gpu.getDefaultStream(device));
  now.block(own);
  const c10::StreamGuard on(own);
  return tensor.cpu().contiguous();
}

// tensorOnHostStart(tensor): a copy on the CPU, as a job that jobs and sessions do not wait for.
Napi::Value OnHostStart(const Napi::CallbackInfo& info) {
  auto& environment = Environment::Of(info.Env());
  const at::Tensor tensor = Unwrap(info[0], "tensor").detach();
  const auto copy = std::make_shared<at::Tensor>();
  const auto job = environment.aside.NewJob(info.Env());
  job->claim = environment.ownership.Take({"a copy", {tensor}, {}});
  job->run = [tensor, copy, &environment](Job&) {
    const at::NoGradGuard no_grad;
    *copy = HostCopy(tensor, environment.copy_streams);
  };
  job->finish = [copy](Napi::Env env) { return Wrap(env, *copy); };
  return environment.aside.Start(info.Env(), job);
}

// item(tensor): the only element, as a boolean or a number. An int64 may be rounded, which lib/ notices.
Napi::Value Item(const Napi::CallbackInfo& info) {
  const auto& tensor = Unwrap(info[0], "tensor");
  if (tensor.numel() != 1) {
    throw Error("ERR_SHAPE",
                "item() needs a tensor of one element, this one has " + std::to_string(tensor.numel()));
  }
  const at::Scalar scalar = tensor.item();
  if (scalar.isBoolean()) return Napi::Boolean::New(info.Env(), scalar.toBool());
  return Napi::Number::New(info.Env(), scalar.toDouble());
}

Napi::Value To(const Napi::CallbackInfo& info) {
  const auto& tensor = Unwrap(info[0], "tensor");
  const auto device = info[1].IsUndefined() ? tensor.device() : ToDevice(info[1], "device");
  const auto dtype = info[2].IsUndefined() ? tensor.scalar_type() : ToDType(info[2], "dtype");
  return Wrap(info.Env(), tensor.to(tensor.options().device(device).dtype(dtype)));
}

}  // namespace

void RegisterTransfer(Napi::Object exports) {
  Export<FromBytes>(exports, "fromBytes");
  Export<ToBytes>(exports, "toBytes");
  Export<Read>(exports, "tensorRead");
  Export<Write>(exports, "tensorWrite");
  Export<TakeSnapshot>(exports, "tensorSnapshot");
  Export<OnHostStart>(exports, "tensorOnHostStart");
  Export<Item>(exports, "item");
  Export<To>(exports, "to");
}

}  // namespace torch_prune
