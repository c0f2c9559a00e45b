#include <ATen/ATen.h>
#include <ATen/core/grad_mode.h>

#include <algorithm>
#include <map>

#include "../base/fields.h"
#include "../network/network.h"
#include "../parameter/parametrization.h"
#include "../tensor/snapshot.h"
#include "../tensor/tensor.h"
#include "optimizer.h"

// The optimizer as JavaScript calls it.
namespace torch_prune {
namespace {

// A parameter as it is given: by a tensor, or by a network and the parameter's name.
struct GivenParameter : OptimizedParameter {
  std::shared_ptr<Network> network;
};
const auto kParameterFields = Fields<GivenParameter>(
    "parameter", Field("name", &GivenParameter::name),
    Field("weightDecay", &GivenParameter::weight_decay).Within(0, kLargestRate).Optional(),
    Field("l1", &GivenParameter::l1).Within(0, kLargestRate).Optional(),
    Field("l2", &GivenParameter::l2).Within(0, kLargestRate).Optional(),
    Field("lrFactor", &GivenParameter::lr_factor).Optional(),
    Field("network", &GivenParameter::network).Optional(),
    Field("tensor", &GivenParameter::tensor).Optional());

// The optimizer of a handle, to be read: no job writes to its parameters.
std::shared_ptr<OptimizerState> ReadOptimizer(const Napi::Value& value) {
  auto optimizer = OptimizerHandle::Get(value, "optimizer");
  const auto& ownership = Environment::Of(value.Env()).ownership;
  for (const auto& p : optimizer->parameters()) ownership.Check(p.tensor);
  return optimizer;
}

// The optimizer of a handle, to be used on its parameters: no job uses them, and no training run owns them.
std::shared_ptr<OptimizerState> UseOptimizer(const Napi::Value& value) {
  auto optimizer = OptimizerHandle::Get(value, "optimizer");
  const auto& ownership = Environment::Of(value.Env()).ownership;
  for (const auto& p : optimizer->parameters()) ownership.CheckWritable(p.tensor);
  return optimizer;
}

// optimizerMake(spec, parameters): `spec` is {kind, ...}, whose other fields stand beside each kind.
Napi::Value Make(const Napi::CallbackInfo& info) {
  Given spec(info[0], "optimizer");
  const auto kind = spec.Take<std::string>("kind");
  std::vector<OptimizedParameter> parameters;
  for (auto& given : ReadList(kParameterFields, info[1], "parameters")) {
    if (given.network) given.tensor = given.network->Find(given.name).tensor;
    if (!given.tensor.defined())
      throw Error("ERR_ARGUMENT", "'" + given.name + "' needs a tensor, or a network that it belongs to");
    if (!given.tensor.is_leaf())
      throw Error("ERR_ARGUMENT", "'" + given.name + "' was computed: an optimizer takes leaf tensors");
    parameters.push_back(std::move(given));
  }
  std::shared_ptr<OptimizerState> optimizer;
  if (kind == "sgd") {
    optimizer = MakeSgd(std::move(parameters), spec);
  } else if (kind == "adam" || kind == "adamw") {
    optimizer = MakeAdam(std::move(parameters), spec, /*decoupled=*/kind == "adamw");
  } else {
    throw Error("ERR_ARGUMENT", "there is no optimizer of kind '" + kind + "'");
  }
  auto& known = Environment::Of(info.Env()).optimizers;
  std::erase_if(known, [](const auto& weak) { return weak.expired(); });
  known.push_back(optimizer);
  return OptimizerHandle::Wrap(info.Env(), std::move(optimizer));
}

Napi::Value Dispose(const Napi::CallbackInfo& info) {
  OptimizerHandle::Dispose(info[0]);
  return info.Env().Undefined();
}

Napi::Value Step(const Napi::CallbackInfo& info) {
  const auto optimizer = UseOptimizer(info[0]);
  const double lr = ToNumber(info[1], "lr");
  optimizer->SettleGradients();
  optimizer->Step(lr);
  return info.Env().Undefined();
}

Napi::Value ZeroGrad(const Napi::CallbackInfo& info) {
  UseOptimizer(info[0])->ZeroGrad();
  return info.Env().Undefined();
}

// optimizerState(optimizer): [{name, steps, moments: {momentum_buffer: tensor, ...}}], as snapshots.
Napi::Value State(const Napi::CallbackInfo& info) {
  const auto optimizer = ReadOptimizer(info[0]);
  const auto names = optimizer->MomentNames();
  auto list = Napi::Array::New(info.Env());
  std::uint32_t count = 0;
  for (const auto& p : optimizer->parameters()) {
    auto entry = Napi::Object::New(info.Env());
    auto moments = Napi::Object::New(info.Env());
    for (std::size_t i = 0; i < names.size(); ++i) {
      if (p.moments[i].defined()) moments.Set(names[i], Wrap(info.Env(), Snapshot(p.moments[i])));
    }
    entry.Set("name", p.name);
    entry.Set("steps", static_cast<double>(p.steps));
    entry.Set("moments", moments);
    list.Set(count++, entry);
  }
  return list;
}

// What optimizerLoadStart() gets for a parameter.
struct GivenState {
  std::string name;
  std::int64_t steps = 0;
  std::map<std::string, at::Tensor> moments;
};
const auto kStateFields =
    Fields<GivenState>("optimizerState", Field("name", &GivenState::name),
                       Field("steps", &GivenState::steps).AtLeast(0), Field("moments", &GivenState::moments));

struct Loaded {
  OptimizedParameter& parameter;
  std::int64_t steps;
  std::array<at::Tensor, 3> moments;
};

Loaded ToLoaded(OptimizerState& optimizer, const GivenState& given) {
  auto& p = optimizer.Find(given.name);
  Loaded loaded{p, given.steps, {}};
  const auto names = optimizer.MomentNames();
  for (const auto& [name, values] : given.moments) {
    const auto found = std::find(names.begin(), names.end(), name);
    if (found == names.end()) {
      throw Error("ERR_ARGUMENT", "'" + p.name + "': this optimizer keeps no moment '" + name +
                                      "', the state is another one's");
    }
    if (values.sizes() != p.tensor.sizes())
      throw Error("ERR_SHAPE", name + " of '" + p.name + "' does not have its parameter's shape");
    loaded.moments[found - names.begin()] = Snapshot(values);
  }
  return loaded;
}

// optimizerLoadStart(optimizer, [{name, steps, moments}]): loads either all states or none, settled as their
// parameters are.
Napi::Value LoadStart(const Napi::CallbackInfo& info) {
  auto& environment = Environment::Of(info.Env());
  const auto optimizer = ReadOptimizer(info[0]);
  const auto states = std::make_shared<std::vector<Loaded>>();
  for (const auto& given : ReadList(kStateFields, info[1], "states"))
    states->push_back(ToLoaded(*optimizer, given));
  const auto job = environment.compute.NewJob(info.Env());
  std::vector<at::Tensor> parameters;
  for (const auto& p : optimizer->parameters()) parameters.push_back(p.tensor);
  job->claim = environment.ownership.Take(Use{"loadState()", {}, parameters});
  job->run = [optimizer, states](Job&) {
    const at::NoGradGuard no_grad;
    for (auto& [p, steps, moments] : *states) {
      for (auto& moment : moments) {
        if (!moment.defined()) continue;
        moment = at::empty_like(p.tensor, p.tensor.options().requires_grad(false)).copy_(moment);
        if (const auto* there = Parametrization::Of(p.tensor)) there->Settle(moment);
      }
    }
    for (auto& [p, steps, moments] : *states) {
      p.steps = steps;
      p.moments = std::move(moments);
    }
  };
  job->finish = [](Napi::Env env) { return env.Undefined(); };
  return environment.compute.Start(info.Env(), job);
}

}  // namespace

void RegisterOptimizer(Napi::Env env, Napi::Object exports) {
  OptimizerHandle::Register(env);
  Export<Make>(exports, "optimizerMake");
  Export<Dispose>(exports, "optimizerDispose");
  Export<Step>(exports, "optimizerStep");
  Export<ZeroGrad>(exports, "optimizerZeroGrad");
  Export<State>(exports, "optimizerState");
  Export<LoadStart>(exports, "optimizerLoadStart");
}

}  // namespace torch_prune
