#include "autograd.h"

#include <ATen/ATen.h>
#include <c10/core/AutogradState.h>
#include <torch/csrc/autograd/autograd.h>
#include <torch/csrc/autograd/functions/accumulate_grad.h>
#include <torch/csrc/autograd/variable.h>

#include <mutex>
#include <unordered_set>

#include "../base/fields.h"
#include "../parameter/parametrization.h"
#include "tensor.h"

namespace torch_prune {
namespace {

// A JavaScript function that autograd's graph holds. The graph may be destroyed on the compute thread, where
// references to JavaScript must not be released; such references wait here until the main thread releases
// them.
class HookFunction {
 public:
  struct Returned {
    std::mutex mutex;
    std::vector<Napi::FunctionReference> functions;
  };

  HookFunction(Napi::Function function, std::shared_ptr<Returned> returned)
      : function_(Napi::Persistent(function)),
        main_thread_(std::this_thread::get_id()),
        returned_(std::move(returned)) {}
  ~HookFunction() {
    if (std::this_thread::get_id() == main_thread_) return;
    std::lock_guard lock(returned_->mutex);
    returned_->functions.push_back(std::move(function_));
  }
  HookFunction(const HookFunction&) = delete;
  HookFunction& operator=(const HookFunction&) = delete;

  at::Tensor operator()(const at::Tensor& gradient) {
    if (std::this_thread::get_id() != main_thread_) {
      throw Error(
          "ERR_ARGUMENT",
          "a gradient hook written in JavaScript sits on a parameter of a network that a job trains: remove "
          "the hook, or train with forward(), backward() and step()");
    }
    const Napi::Env env = function_.Env();
    Napi::HandleScope scope(env);
    const Napi::Value result = function_.Call({Wrap(env, gradient)});
    if (result.IsUndefined()) return gradient;
    return Unwrap(result, "the result of a gradient hook");
  }

 private:
  Napi::FunctionReference function_;
  std::thread::id main_thread_;
  std::shared_ptr<Returned> returned_;
};

// backward() adds to the gradients of leaves, so none of them may be in use.
void CheckLeaves(const Ownership& ownership, const at::Tensor& root) {
  if (ownership.Idle()) return;
  std::vector<const torch::autograd::Node*> todo{torch::autograd::impl::gradient_edge(root).function.get()};
  std::unordered_set<const torch::autograd::Node*> seen;
  while (!todo.empty()) {
    const auto* node = todo.back();
    todo.pop_back();
    if (node == nullptr || !seen.insert(node).second) continue;
    if (const auto* leaf = dynamic_cast<const torch::autograd::AccumulateGrad*>(node))
      ownership.CheckWritable(leaf->variable);
    for (const auto& edge : node->next_edges()) todo.push_back(edge.function.get());
  }
}

struct BackwardOptions {
  bool retain_graph = false, create_graph = false;
};
const auto kBackwardFields =
    Fields<BackwardOptions>("backward", Field("retainGraph", &BackwardOptions::retain_graph).Optional(),
                            Field("createGraph", &BackwardOptions::create_graph).Optional());

Napi::Value BackwardOf(const Napi::CallbackInfo& info) {
  // This is a copy, because reading the options may run JavaScript that disposes of it.
  const at::Tensor root = Unwrap(info[0], "tensor");
  const at::Tensor gradient = info[1].IsUndefined() ? at::Tensor() : Unwrap(info[1], "gradient");
  const auto options = kBackwardFields.Read(info[2], "options");
  if (!root.requires_grad()) {
    throw Error(
        "ERR_ARGUMENT",
        "backward() of a tensor that does not require a gradient: make it from tensors with requiresGrad");
  }
  if (!gradient.defined() && root.numel() != 1) {
    throw Error(
        "ERR_SHAPE",
        "backward() without a gradient needs a tensor of one element: reduce it first, with sum() or mean()");
  }
  // libtorch would sum a larger gradient.
  if (gradient.defined() && gradient.sizes() != root.sizes())
    throw Error("ERR_SHAPE", "backward() takes a gradient of the shape of its tensor");
  CheckLeaves(Environment::Of(info.Env()).ownership, root);
  Backward(root, gradient, options.retain_graph, options.create_graph);
  return info.Env().Undefined();
}

Napi::Value Gradient(const Napi::CallbackInfo& info) {
  return Wrap(info.Env(), Unwrap(info[0], "tensor").grad());
}

// setGradient(tensor, gradient | undefined)
Napi::Value SetGradient(const Napi::CallbackInfo& info) {
  const auto& tensor = UnwrapToWrite(info[0], "tensor");
  if (info[1].IsUndefined() || info[1].IsNull()) {
    tensor.mutable_grad() = at::Tensor();
    return info.Env().Undefined();
  }
  const auto& gradient = Unwrap(info[1], "gradient");
  if (gradient.sizes() != tensor.sizes()) throw Error("ERR_SHAPE", "a gradient has the shape of its tensor");
  if (gradient.scalar_type() != tensor.scalar_type())
    throw Error("ERR_DTYPE", "a gradient has the dtype of its tensor");
  if (gradient.device() != tensor.device())
    throw Error("ERR_DEVICE", "a gradient is on the device of its tensor");
  // A sealed parameter accepts no gradient where it is pruned; so a copy is sealed, rather than the caller's
  // own gradient.
  const auto* parametrization = Parametrization::Of(tensor);
  tensor.mutable_grad() = parametrization == nullptr ? gradient : parametrization->Settled(gradient);
  return info.Env().Undefined();
}

Napi::Value SetRequiresGrad(const Napi::CallbackInfo& info) {
  const auto& tensor = UnwrapToWrite(info[0], "tensor");
  const bool wanted = ToBoolean(info[1], "requiresGrad");
  if (wanted && !at::isFloatingType(tensor.scalar_type())) {
    throw Error("ERR_DTYPE", std::string("only floating tensors have gradients, this one is ") +
                                 DTypeName(tensor.scalar_type()));
  }
  if (!tensor.is_leaf())
    throw Error("ERR_ARGUMENT", "requiresGrad can be changed on leaf tensors only: use detach()");
  tensor.set_requires_grad(wanted);
  return info.Env().Undefined();
}

// registerHook(tensor, f): returns a function that removes the hook.
Napi::Value RegisterHook(const Napi::CallbackInfo& info) {
  const auto& tensor = Unwrap(info[0], "tensor");
  if (!tensor.requires_grad())
    throw Error("ERR_ARGUMENT", "a gradient hook needs a tensor that requires a gradient");
  auto& environment = Environment::Of(info.Env());
  if (!environment.returned_hooks) environment.returned_hooks = std::make_shared<HookFunction::Returned>();
  auto returned = std::static_pointer_cast<HookFunction::Returned>(environment.returned_hooks);
  {
    std::lock_guard lock(returned->mutex);
    returned->functions.clear();
  }
  auto function = std::make_shared<HookFunction>(ToFunction(info[1], "hook"), std::move(returned));
  const unsigned position = tensor.register_hook([function](const at::Tensor& gradient) {
    const auto running = function;  // a hook that removes itself destroys this closure
    return (*running)(gradient);
  });
  // The tensor is held weakly, because a forgotten hook must not keep it alive.
  const c10::weak_intrusive_ptr<c10::TensorImpl> weak(tensor.getIntrusivePtr());
  return Napi::Function::New(info.Env(),
                             [weak, position, removed = false](const Napi::CallbackInfo&) mutable {
                               const auto alive = weak.lock();
                               if (!removed && alive) at::Tensor(alive).remove_hook(position);
                               removed = true;
                             });
}

// setGradEnabled(enabled): returns the previous setting.
Napi::Value SetGradEnabled(const Napi::CallbackInfo& info) {
  const bool before = c10::GradMode::is_enabled();
  c10::GradMode::set_enabled(ToBoolean(info[0], "enabled"));
  return Napi::Boolean::New(info.Env(), before);
}

}  // namespace

void Backward(const at::Tensor& root, const at::Tensor& gradient, bool retain_graph, bool create_graph) {
  auto& state = c10::AutogradState::get_tls_state();
  struct Restore {
    c10::AutogradState& state;
    bool before;
    ~Restore() { state.set_multithreading_enabled(before); }
  } restore{state, state.get_multithreading_enabled()};
  state.set_multithreading_enabled(false);
  torch::autograd::backward(
      {root},
      gradient.defined() ? torch::autograd::variable_list{gradient} : torch::autograd::variable_list{},
      retain_graph, create_graph);
}

void RegisterAutograd(Napi::Object exports) {
  Export<BackwardOf>(exports, "backward");
  Export<Gradient>(exports, "gradient");
  Export<SetGradient>(exports, "setGradient");
  Export<SetRequiresGrad>(exports, "setRequiresGrad");
  Export<RegisterHook>(exports, "registerHook");
  Export<SetGradEnabled>(exports, "setGradEnabled");
}

}  // namespace torch_prune
