#pragma once
#include <ATen/core/Tensor.h>
#include <napi.h>

#include <vector>

#include "../base/field_types.h"
#include "../base/handle.h"

namespace torch_prune {

// What a tensor handle holds: the tensor, and its entry in the accounts of external memory. The garbage
// collector does not see tensors, so it is told about their bytes.
class TensorState {
 public:
  static constexpr std::uint64_t kTag = 1;
  static constexpr const char* kName = "tensor";

  TensorState(Napi::Env env, at::Tensor tensor);
  ~TensorState();
  TensorState(const TensorState&) = delete;
  TensorState& operator=(const TensorState&) = delete;

  const at::Tensor tensor;

 private:
  Napi::Env env_;
  std::shared_ptr<TensorAccounts> accounts_;
  const void* storage_;
  std::int64_t bytes_;
};

using TensorHandle = Handle<TensorState>;

void RegisterTensor(Napi::Env env, Napi::Object exports);

// Makes a new handle for a tensor.
Napi::Value Wrap(Napi::Env env, at::Tensor tensor);
// The tensor of a handle, to be read: neither disposed of nor written to by a job. `what` names it in the
// error.
const at::Tensor& Unwrap(Napi::Value value, const char* what);
// The tensor of a handle, to be written to: no job uses it, and no training run owns it.
const at::Tensor& UnwrapToWrite(Napi::Value value, const char* what);

// Fields that are tensors are to be read.
template <>
struct FieldType<at::Tensor> {
  using Type = at::Tensor;
  static std::string Kind() { return "tensor"; }
  static at::Tensor Read(const Napi::Value& value, const std::string& what) {
    return Unwrap(value, what.c_str());
  }
};

}  // namespace torch_prune
