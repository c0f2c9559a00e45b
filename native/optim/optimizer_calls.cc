#include <ATen/ATen.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "../base/arguments.h"
#include "../network/network.h"
#include "../parameter/parametrisation.h"
#include "../tensor/snapshot.h"
#include "../tensor/tensor.h"
#include "optimizer.h"

// The optimizer as JavaScript calls it.
namespace torch_prune {
namespace {

double InRange(const Options& options, const char* name, double least, double most) {
  const double value = options.Number(name);
  if (value >= least && value <= most) return value;
  throw Error("ERR_ARGUMENT", std::string(name) + " must be in " + c10::str(least) + ".." + c10::str(most) +
                                  ", got " + c10::str(value));
}

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

// optimizerMake(spec, parameters): parameters are [{name, tensor, weightDecay, l1, l2, lrFactor}]. The tensor
// is given either as a handle or by a network and a name.
Napi::Value Make(const Napi::CallbackInfo& info) {
  const Options spec(info[0], "optimizer");
  std::vector<OptimizedParameter> parameters;
  const auto list = ToArray(info[1], "parameters");
  for (std::uint32_t i = 0; i < list.Length(); ++i) {
    const Options entry(list.Get(i), "parameter");
    OptimizedParameter p;
    p.name = entry.String("name");
    p.tensor = entry.Has("network") ? ReadNetwork(entry.Get("network"))->Find(p.name).tensor
                                    : Unwrap(entry.Get("tensor"), "tensor");
    if (!p.tensor.is_leaf())
      throw Error("ERR_ARGUMENT", "'" + p.name + "' was computed: an optimizer takes leaf tensors");
    if (entry.Has("weightDecay")) p.weight_decay = InRange(entry, "weightDecay", 0, kLargestRate);
    if (entry.Has("l1")) p.l1 = InRange(entry, "l1", 0, kLargestRate);
    if (entry.Has("l2")) p.l2 = InRange(entry, "l2", 0, kLargestRate);
    p.lr_factor = entry.Number("lrFactor", 1);
    parameters.push_back(std::move(p));
  }
  const std::string kind = spec.String("kind");
  const bool fused = spec.Boolean("fused", true);
  std::shared_ptr<OptimizerState> optimizer;
  if (kind == "sgd") {
    optimizer = MakeSgd(std::move(parameters), fused, InRange(spec, "momentum", 0, 1),
                        InRange(spec, "dampening", 0, 1), spec.Boolean("nesterov", false));
  } else if (kind == "adam" || kind == "adamw") {
    const double below_one = std::nextafter(1.0, 0.0);
    // With an eps that float32 rounds to 0, a pruned weight would be 0 / 0.
    const double least_eps = std::numeric_limits<float>::min();
    optimizer = MakeAdam(std::move(parameters), fused, InRange(spec, "beta1", 0, below_one),
                         InRange(spec, "beta2", 0, below_one), InRange(spec, "eps", least_eps, kLargestRate),
                         spec.Boolean("amsgrad", false), kind == "adamw");
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
struct Loaded {
  OptimizedParameter& parameter;
  std::int64_t steps;
  std::array<at::Tensor, 3> moments;
};

Loaded ToLoaded(OptimizerState& optimizer, const Napi::Value& value) {
  const Options entry(value, "state");
  auto& p = optimizer.Find(entry.String("name"));
  Loaded loaded{p, entry.Integer("steps"), {}};
  if (loaded.steps < 0)
    throw Error("ERR_ARGUMENT", "steps must be 0 or more, got " + std::to_string(loaded.steps));
  const Options moments(entry.Get("moments"), "moments");
  const auto names = optimizer.MomentNames();
  for (const auto& [key, moment] : ToObject(entry.Get("moments"), "moments")) {
    const std::string name = key.ToString();
    if (std::find(names.begin(), names.end(), name) != names.end()) continue;
    throw Error("ERR_ARGUMENT", "'" + p.name + "': this optimizer keeps no moment '" + name +
                                    "', the state is another one's");
  }
  for (std::size_t i = 0; i < names.size(); ++i) {
    if (!moments.Has(names[i])) continue;
    const auto& values = Unwrap(moments.Get(names[i]), names[i]);
    if (values.sizes() != p.tensor.sizes()) {
      throw Error("ERR_SHAPE",
                  std::string(names[i]) + " of '" + p.name + "' does not have its parameter's shape");
    }
    loaded.moments[i] = Snapshot(values);
  }
  return loaded;
}

// optimizerLoadStart(optimizer, [{name, steps, moments}]): loads either all states or none, settled as their
// parameters are.
Napi::Value LoadStart(const Napi::CallbackInfo& info) {
  auto& environment = Environment::Of(info.Env());
  const auto optimizer = ReadOptimizer(info[0]);
  const auto states = std::make_shared<std::vector<Loaded>>();
  const auto list = ToArray(info[1], "states");
  for (std::uint32_t i = 0; i < list.Length(); ++i) states->push_back(ToLoaded(*optimizer, list.Get(i)));
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
