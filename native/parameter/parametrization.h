#pragma once
#include <ATen/core/Tensor.h>
#include <torch/csrc/autograd/function_hook.h>

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "../base/errors.h"

namespace torch_prune {

// How a parameter is parametrized: what ties its stored values down, and what layers make of them. A
// parameter without one is plain. It lives in the parameter's autograd data, as the native hook that runs
// after each accumulation of its gradient and after any other hook, so it goes where the parameter goes.
//
// Each one is a file here (sealed.cc, spliced.cc, codebook.cc) that registers a ParametrizationKind. The rest
// of the program asks for the operations below and never which one it is.
class Parametrization : public torch::autograd::PostAccumulateGradHook {
 public:
  // What JavaScript calls it.
  virtual const char* name() const = 0;

  // The same for a parameter that lies as `values` do: on another device, or in another memory format.
  virtual std::unique_ptr<Parametrization> Like(const at::Tensor& values) const = 0;

  // Writes into a value, a gradient or a moment of the parameter, in place, what the parametrization demands
  // of all three, such as +0 where a sealed weight is pruned. Once is enough, twice changes nothing more, and
  // the arithmetic of SGD and Adam keeps it so: nothing has to run after a step.
  virtual void Settle(const at::Tensor& values) const = 0;
  // Undoes, after an optimizer's step, what it rounded one way for one element and another way for another,
  // in a parameter or a moment that were settled before. Nothing to do where all that matters is +0.
  virtual void SettleAfterStep(const at::Tensor&) const {}
  // How many elements are not as Settle() would leave them, bit for bit.
  virtual std::int64_t Unsettled(const at::Tensor& values) const = 0;
  // These values settled, and a copy of them where settling may change any.
  virtual at::Tensor Settled(const at::Tensor& values) const;
  // The kept mask (bool) under which a one-pass kernel may settle a gradient by itself, taking it for +0
  // wherever the mask is false. Undefined: only Settle() can.
  virtual at::Tensor gradient_mask() const { return {}; }

  // What a layer computes with, differentiable with respect to the parameter.
  virtual at::Tensor Effective(const at::Tensor& parameter) const { return parameter; }

  // Whether that is the same work each time, which a GPU can do again by itself.
  virtual bool CanRecord() const { return true; }

  // Which weights are kept: bool, the parameter's shape, strides and device. Undefined: all of them.
  virtual at::Tensor keep() const { return {}; }
  // Whether weights that are not kept still have a value and may return.
  virtual bool MayReturn() const { return false; }
  // Keeps others from now on: bool, as keep() has it. Only where MayReturn().
  virtual void SetKeep(at::Tensor keep);
  // What takes its place once the parameter is pruned for good, to `keep`: a sealed one, by default. Throws
  // where that cannot be.
  virtual std::unique_ptr<Parametrization> Pruned(const at::Tensor& parameter, const at::Tensor& keep) const;

  // From now on a bit that a weight takes in a coded file costs so many times the mean square of the kept
  // weights: only while weights look for values to share.
  virtual void SetPrice(const at::Tensor& values, double price);

  // Which of a few values each weight shares with others: whole numbers of the parameter's shape, 0 where it
  // is pruned. Undefined: each has its own.
  virtual at::Tensor index() const { return {}; }
  // Those values by index, on the CPU, the first of them 0. Undefined without an index.
  virtual at::Tensor Shared(const at::Tensor&) const { return {}; }

  // Settles the gradient, unless a DeferSettling lives.
  void operator()(const at::Tensor& parameter) final;

  // The parametrization of a parameter; null where it is plain.
  static Parametrization* Of(const at::Tensor& parameter);
  // The names that Make() takes, sorted.
  static std::vector<std::string> Names();
  // Makes one by its name for a floating leaf tensor; `keep` has the tensor's shape and is not zero where
  // weights are kept: an index() where they share values. All that can fail fails here, so that callers can
  // do all or nothing.
  static std::unique_ptr<Parametrization> Make(const std::string& name, const at::Tensor& parameter,
                                               const at::Tensor& keep);
  // Puts it on a parameter, in the place of any other, and settles value and `.grad`. The moments of
  // optimizers are the caller's (SettleMoments): Environment knows them.
  static void Put(const at::Tensor& parameter, std::unique_ptr<Parametrization> made);
  // The same for one that came from Like(), with values that are settled already.
  static void Attach(const at::Tensor& parameter, std::unique_ptr<Parametrization> made);
  static void Remove(const at::Tensor& parameter);
};

// The short forms, which hold for a plain parameter too.

// What a layer computes with.
at::Tensor Effective(const at::Tensor& parameter);
// Which weights are kept; undefined where all are.
at::Tensor KeptMask(const at::Tensor& parameter);
// Which of a few values each weight shares, 0 where it is pruned; undefined where each has its own.
at::Tensor SharedIndex(const at::Tensor& parameter);
// What the parameter is to have once it is pruned to `keep`.
std::unique_ptr<Parametrization> MakePruned(const at::Tensor& parameter, const at::Tensor& keep);
// What the parameter is to have for its weights to share values by `index`.
std::unique_ptr<Parametrization> MakeShared(const at::Tensor& parameter, const at::Tensor& index);

// While one lives, backward() on its thread leaves gradients unsettled. For training with an optimizer that
// settles them in its step, and lets go of them after.
class DeferSettling {
 public:
  DeferSettling();
  ~DeferSettling();
  DeferSettling(const DeferSettling&) = delete;
  DeferSettling& operator=(const DeferSettling&) = delete;
};

// A parametrization by its name. Each file has one at namespace scope:
//
//   const ParametrizationKind kSealed("sealed", MakeSealed);
//
// They form a list before anything runs and are never destroyed: nothing here has a destructor.
class ParametrizationKind {
 public:
  using Make = std::unique_ptr<Parametrization> (*)(const at::Tensor& parameter, const at::Tensor& keep);

  ParametrizationKind(const char* name, Make make);

 private:
  friend class Parametrization;
  const char* name_;
  Make make_;
  const ParametrizationKind* next_;
};

// That a mask would prune all of a parameter.
Error Emptied(const std::string& name);

}  // namespace torch_prune
