#include "operators.h"

#include <ATen/ATen.h>
#include <ATen/core/dispatch/Dispatcher.h>
#include <ATen/core/jit_type.h>
#include <ATen/core/stack.h>

#include "../base/arguments.h"
#include "operator_rules.h"
#include "tensor.h"

// One border for all operators: libtorch knows the schema of each, so arguments are converted and checked by
// that schema here, and lib/tensor gives them names and types. The alternative, one C++ function per
// operator, would say everything twice.
namespace torch_prune {
namespace {

using c10::IValue;
using c10::TypeKind;

at::MemoryFormat ToMemoryFormat(const std::string& name) {
  if (name == "contiguous") return at::MemoryFormat::Contiguous;
  if (name == "channelsLast") return at::MemoryFormat::ChannelsLast;
  if (name == "preserve") return at::MemoryFormat::Preserve;
  throw Error("ERR_ARGUMENT",
              "memoryFormat must be 'contiguous', 'channelsLast' or 'preserve', got '" + name + "'");
}

at::Scalar ToScalar(const Napi::Value& value, const char* what) {
  if (value.IsBoolean()) return ToBoolean(value, what);
  if (value.IsBigInt()) return ToInteger(value, what);
  const double number = ToNumber(value, what);
  // A JavaScript number has no dtype. A whole one counts as an integer, so that it does not turn integer
  // tensors into floating-point ones.
  const auto integer = static_cast<std::int64_t>(std::abs(number) < 9e15 ? number : 0);
  if (static_cast<double>(integer) == number && !(number == 0 && std::signbit(number))) return integer;
  return number;
}

IValue ToIValue(const Napi::Value& value, const c10::TypePtr& type, std::optional<std::int32_t> length,
                const char* what);

// JavaScript arrays may be longer than memory and empty, and some lists accept holes as elements.
constexpr std::uint32_t kLongestList = 1 << 20;

IValue ToList(const Napi::Value& value, const c10::TypePtr& element, std::optional<std::int32_t> length,
              const char* what) {
  const auto each = [&](auto& list, auto convert) {
    if (value.IsArray()) {
      const auto array = value.As<Napi::Array>();
      const std::uint32_t length = array.Length();  // read only once, as in arguments.cc
      if (length > kLongestList) {
        throw Error("ERR_ARGUMENT", std::string(what) + ": a list of " + std::to_string(length) +
                                        " elements is too long: make it a tensor");
      }
      for (std::uint32_t i = 0; i < length; ++i) list.push_back(convert(array.Get(i)));
    } else {
      // 'int[2] stride' takes a single number for both, as in PyTorch.
      for (std::int32_t i = 0; i < length.value_or(1); ++i) list.push_back(convert(value));
    }
    return IValue(list);
  };
  switch (element->kind()) {
    case TypeKind::TensorType: {
      c10::List<at::Tensor> list;
      return each(list, [&](const Napi::Value& v) { return Unwrap(v, what); });
    }
    case TypeKind::OptionalType: {
      c10::List<std::optional<at::Tensor>> list;
      return each(list, [&](const Napi::Value& v) {
        return v.IsUndefined() || v.IsNull() ? std::optional<at::Tensor>() : Unwrap(v, what);
      });
    }
    case TypeKind::IntType:
    case TypeKind::SymIntType: {
      c10::List<std::int64_t> list;
      return each(list, [&](const Napi::Value& v) { return ToInteger(v, what); });
    }
    case TypeKind::FloatType: {
      c10::List<double> list;
      return each(list, [&](const Napi::Value& v) { return ToNumber(v, what); });
    }
    case TypeKind::BoolType: {
      c10::List<bool> list;
      return each(list, [&](const Napi::Value& v) { return ToBoolean(v, what); });
    }
    default:
      throw Error("ERR_ARGUMENT", std::string(what) + ": lists of " + element->str() + " are not supported");
  }
}

IValue ToIValue(const Napi::Value& value, const c10::TypePtr& type, std::optional<std::int32_t> length,
                const char* what) {
  switch (type->kind()) {
    case TypeKind::OptionalType:
      if (value.IsUndefined() || value.IsNull()) return IValue();
      return ToIValue(value, type->expectRef<c10::OptionalType>().getElementType(), length, what);
    case TypeKind::TensorType:
      return IValue(Unwrap(value, what));
    case TypeKind::ListType:
      return ToList(value, type->expectRef<c10::ListType>().getElementType(), length, what);
    case TypeKind::NumberType:
      return IValue(ToScalar(value, what));
    case TypeKind::FloatType:
      return IValue(ToNumber(value, what));
    case TypeKind::IntType:
    case TypeKind::SymIntType:
      return IValue(ToInteger(value, what));
    case TypeKind::BoolType:
      return IValue(ToBoolean(value, what));
    case TypeKind::StringType:
      return IValue(ToString(value, what));
    case TypeKind::ScalarTypeType:
      return IValue(ToDType(value, what));
    case TypeKind::DeviceObjType:
      return IValue(ToDevice(value, what));
    case TypeKind::MemoryFormatType:
      return IValue(ToMemoryFormat(ToString(value, what)));
    default:
      throw Error("ERR_ARGUMENT",
                  std::string(what) + ": arguments of type " + type->str() + " are not supported");
  }
}

Napi::Value FromIValue(Napi::Env env, const IValue& value) {
  if (value.isTensor()) return Wrap(env, value.toTensor());
  if (value.isBool()) return Napi::Boolean::New(env, value.toBool());
  if (value.isScalar()) return Napi::Number::New(env, value.toScalar().toDouble());
  if (value.isNone()) return env.Undefined();
  if (value.isTensorList()) {
    const auto tensors = value.toTensorVector();
    auto array = Napi::Array::New(env, tensors.size());
    for (std::uint32_t i = 0; i < tensors.size(); ++i) array.Set(i, Wrap(env, tensors[i]));
    return array;
  }
  throw Error("ERR_TORCH", "a result of type " + value.tagKind() + " is not supported");
}

// Checks that nobody uses what the operator writes to, or writes to what it reads. This comes after all
// arguments have been read, because that may run JavaScript which starts a job.
void CheckFree(Napi::Env env, const c10::FunctionSchema& schema, const torch::jit::Stack& arguments) {
  const auto& ownership = Environment::Of(env).ownership;
  if (ownership.Idle()) return;
  for (std::size_t i = 0; i < arguments.size(); ++i) {
    const auto* alias = schema.arguments()[i].alias_info();
    const auto check = [&](const at::Tensor& tensor) {
      if (alias != nullptr && alias->isWrite()) return ownership.CheckWritable(tensor);
      ownership.Check(tensor);
    };
    if (arguments[i].isTensor()) check(arguments[i].toTensor());
    if (arguments[i].isTensorList()) {
      for (const auto& tensor : arguments[i].toTensorVector()) check(tensor);
    }
    if (arguments[i].isOptionalTensorList()) {
      for (const auto& tensor : arguments[i].toOptionalTensorVector()) check(tensor.value_or(at::Tensor()));
    }
  }
}

// Converts the arguments of a call, starting with the one at `first`, to an operator's arguments.
torch::jit::Stack ToStack(const c10::FunctionSchema& schema, const Napi::CallbackInfo& info,
                          std::size_t first) {
  const auto& arguments = schema.arguments();
  if (info.Length() > arguments.size() + first) {
    throw Error("ERR_ARGUMENT", schema.name() + " takes " + std::to_string(arguments.size()) +
                                    " arguments, got " + std::to_string(info.Length() - first));
  }
  torch::jit::Stack stack;
  stack.reserve(arguments.size());
  for (std::size_t i = 0; i < arguments.size(); ++i) {
    const auto& argument = arguments[i];
    const Napi::Value value = info[first + i];
    if (value.IsUndefined() && argument.default_value()) {
      stack.push_back(*argument.default_value());
    } else {
      stack.push_back(ToIValue(value, argument.real_type(), argument.N(), argument.name().c_str()));
    }
  }
  return stack;
}

Napi::Value FromStack(Napi::Env env, const torch::jit::Stack& stack) {
  if (stack.empty()) return env.Undefined();
  if (stack.size() == 1) return FromIValue(env, stack[0]);
  auto results = Napi::Array::New(env, stack.size());
  for (std::uint32_t i = 0; i < stack.size(); ++i) results.Set(i, FromIValue(env, stack[i]));
  return results;
}

void CallKeepingShapes(const c10::OperatorHandle& op, torch::jit::Stack& stack) {
  const KeepShapes keep(op.schema(), stack);
  op.callBoxed(stack);
  keep.Check();
}

Napi::Value Call(const c10::OperatorHandle& op, const Napi::CallbackInfo& info) {
  auto stack = ToStack(op.schema(), info, 0);
  CheckFree(info.Env(), op.schema(), stack);
  CallKeepingShapes(op, stack);
  return FromStack(info.Env(), stack);
}

c10::OperatorHandle FindOperator(const std::string& name, const std::string& overload) {
  const auto op = c10::Dispatcher::singleton().findSchema({name, overload});
  if (!op) {
    throw Error("ERR_ARGUMENT",
                "this libtorch has no operator " + name + (overload.empty() ? "" : "." + overload));
  }
  CheckOffered(*op);
  return *op;
}

// operator('aten::add', 'Tensor'): returns the operator as a function that takes its schema's arguments in
// order; undefined arguments have the schema's default.
Napi::Value Operator(const Napi::CallbackInfo& info) {
  const std::string name = ToString(info[0], "name");
  const std::string overload = ToString(info[1], "overload");
  const auto op = FindOperator(name, overload);
  return Napi::Function::New(
      info.Env(),
      [op](const Napi::CallbackInfo& call) { return Guard(call.Env(), [&] { return Call(op, call); }); },
      name);
}

// operatorStart(name, overload, ...arguments): runs the operator as a job, outside of autograd. It owns the
// given tensors while it works.
Napi::Value Start(const Napi::CallbackInfo& info) {
  auto& environment = Environment::Of(info.Env());
  const auto op = FindOperator(ToString(info[0], "name"), ToString(info[1], "overload"));
  const auto stack = std::make_shared<torch::jit::Stack>(ToStack(op.schema(), info, 2));
  Use use{op.schema().name(), {}, {}};
  for (std::size_t i = 0; i < stack->size(); ++i) {
    const auto* alias = op.schema().arguments()[i].alias_info();
    auto& used = alias != nullptr && alias->isWrite() ? use.writes : use.reads;
    const auto& value = (*stack)[i];
    if (value.isTensor()) used.push_back(value.toTensor());
    if (value.isTensorList()) {
      const auto list = value.toTensorVector();
      used.insert(used.end(), list.begin(), list.end());
    }
  }
  const auto job = environment.compute.NewJob(info.Env());
  job->claim = environment.ownership.Take(use);
  job->run = [op, stack](Job&) {
    const at::NoGradGuard no_grad;
    CallKeepingShapes(op, *stack);
  };
  job->finish = [stack](Napi::Env env) { return FromStack(env, *stack); };
  return environment.compute.Start(info.Env(), job);
}

}  // namespace

void RegisterOperators(Napi::Object exports) {
  Export<Operator>(exports, "operator");
  Export<Start>(exports, "operatorStart");
}

}  // namespace torch_prune
