#include "parametrization.h"

#include <ATen/ATen.h>
#include <ATen/core/grad_mode.h>
#include <torch/csrc/autograd/variable.h>

#include <algorithm>

namespace torch_prune {
namespace {

constinit const ParametrizationKind* first = nullptr;

thread_local int deferring = 0;

}  // namespace

ParametrizationKind::ParametrizationKind(const char* name, Make make)
    : name_(name), make_(make), next_(first) {
  first = this;
}

DeferSettling::DeferSettling() {
  ++deferring;
}

DeferSettling::~DeferSettling() {
  --deferring;
}

at::Tensor Parametrization::Settled(const at::Tensor& values) const {
  at::Tensor settled = values.detach().clone();
  Settle(settled);
  return settled;
}

void Parametrization::SetKeep(at::Tensor) {
  throw Error("ERR_ARGUMENT",
              std::string("the pruned weights of a parameter that is ") + name() + " do not return");
}

void Parametrization::SetPrice(const at::Tensor&, double) {
  throw Error("ERR_ARGUMENT", std::string("the bits of a parameter that is ") + name() + " have no price");
}

std::unique_ptr<Parametrization> Parametrization::Pruned(const at::Tensor& parameter,
                                                         const at::Tensor& keep) const {
  return Make("sealed", parameter, keep);
}

void Parametrization::operator()(const at::Tensor& parameter) {
  if (deferring > 0) return;
  const at::NoGradGuard no_grad;
  if (parameter.grad().defined()) Settle(parameter.grad());
}

Parametrization* Parametrization::Of(const at::Tensor& parameter) {
  if (torch::autograd::impl::get_autograd_meta(parameter) == nullptr) return nullptr;
  return dynamic_cast<Parametrization*>(torch::autograd::impl::post_acc_grad_hooks(parameter).get());
}

std::vector<std::string> Parametrization::Names() {
  std::vector<std::string> names;
  for (const auto* kind = first; kind != nullptr; kind = kind->next_) names.emplace_back(kind->name_);
  std::sort(names.begin(), names.end());
  return names;
}

std::unique_ptr<Parametrization> Parametrization::Make(const std::string& name, const at::Tensor& parameter,
                                                       const at::Tensor& keep) {
  if (!parameter.is_leaf())
    throw Error("ERR_ARGUMENT", "a mask goes on a leaf tensor: this one was computed");
  if (!at::isFloatingType(parameter.scalar_type()))
    throw Error("ERR_DTYPE", "a mask goes on a floating tensor");
  if (keep.sizes() != parameter.sizes()) throw Error("ERR_SHAPE", "a mask has the shape of its parameter");
  const at::NoGradGuard no_grad;
  for (const auto* kind = first; kind != nullptr; kind = kind->next_)
    if (name == kind->name_) return kind->make_(parameter, keep);
  throw Error("ERR_ARGUMENT", "no parameter can be '" + name + "'");
}

void Parametrization::Put(const at::Tensor& parameter, std::unique_ptr<Parametrization> made) {
  const at::NoGradGuard no_grad;
  made->Settle(parameter.data());
  if (parameter.grad().defined()) made->Settle(parameter.grad());
  Attach(parameter, std::move(made));
}

void Parametrization::Attach(const at::Tensor& parameter, std::unique_ptr<Parametrization> made) {
  torch::autograd::impl::set_post_acc_grad_hooks(parameter, std::move(made));
}

void Parametrization::Remove(const at::Tensor& parameter) {
  if (Of(parameter) != nullptr) torch::autograd::impl::set_post_acc_grad_hooks(parameter, nullptr);
}

at::Tensor Effective(const at::Tensor& parameter) {
  const Parametrization* parametrization = Parametrization::Of(parameter);
  return parametrization == nullptr ? parameter : parametrization->Effective(parameter);
}

at::Tensor KeptMask(const at::Tensor& parameter) {
  const Parametrization* parametrization = Parametrization::Of(parameter);
  return parametrization == nullptr ? at::Tensor() : parametrization->keep();
}

at::Tensor SharedIndex(const at::Tensor& parameter) {
  const Parametrization* parametrization = Parametrization::Of(parameter);
  return parametrization == nullptr ? at::Tensor() : parametrization->index();
}

std::unique_ptr<Parametrization> MakePruned(const at::Tensor& parameter, const at::Tensor& keep) {
  const Parametrization* parametrization = Parametrization::Of(parameter);
  return parametrization == nullptr ? Parametrization::Make("sealed", parameter, keep)
                                    : parametrization->Pruned(parameter, keep);
}

std::unique_ptr<Parametrization> MakeShared(const at::Tensor& parameter, const at::Tensor& index) {
  return Parametrization::Make("codebook", parameter, index);
}

Error Emptied(const std::string& name) {
  return {"ERR_ARGUMENT", "the criterion prunes every weight of '" + name +
                              "', and nothing would pass through it: prune it less"};
}

}  // namespace torch_prune
