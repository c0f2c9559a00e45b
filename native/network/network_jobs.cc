#include <ATen/ATen.h>

#include <algorithm>
#include <optional>

#include "../optim/optimizer.h"
#include "../tensor/snapshot.h"
#include "../tensor/tensor.h"
#include "claim.h"
#include "jobs.h"
#include "network.h"

// What grows with a network's weights, as jobs: an event loop cannot wait for half a gigabyte.
namespace torch_prune {
namespace {

using Work = std::function<void()>;
using Finish = std::function<Napi::Value(Napi::Env)>;

// A job that has the network while it works.
Napi::Value StartJob(Napi::Env env, const char* by, const std::shared_ptr<Network>& network, Access access,
                     Work work, Finish finish) {
  auto& environment = Environment::Of(env);
  const auto job = environment.compute.NewJob(env);
  ClaimNetwork(environment, *job, *network, access, {by, {}, {}});
  job->run = [network, work = std::move(work)](Job&) {
    const at::NoGradGuard no_grad;
    work();
  };
  job->finish = std::move(finish);
  return environment.compute.Start(env, job);
}

// networkDrawStart(network): draws the initial weights. Owns nothing: whoever needs them before draws them.
Napi::Value DrawStart(const Napi::CallbackInfo& info) {
  auto& environment = Environment::Of(info.Env());
  const auto job = environment.compute.NewJob(info.Env());
  // One layer at a time, so that it stops when the network is disposed of.
  job->run = [weak = std::weak_ptr(NetworkHandle::Get(info[0], "network"))](Job& running) {
    for (;;) {
      const auto network = weak.lock();
      if (!network || running.Cancelled() || !network->DrawNext()) return;
    }
  };
  job->finish = [](Napi::Env env) { return env.Undefined(); };
  return environment.compute.Start(info.Env(), job);
}

// What networkPutStart() is given, and how far it has come.
struct Put {
  struct Value {
    const NamedTensor& to;
    at::Tensor values;
  };
  struct Mask {
    at::Tensor parameter;
    std::optional<MaskKind> kind;  // none: the mask goes
    at::Tensor keep;               // undefined: what the mask there keeps, or all
    std::unique_ptr<MaskHook> made;
  };
  std::shared_ptr<Network> network;
  std::vector<Value> values;
  std::vector<Mask> masks;
  Optimizers optimizers;

  void Run();

 private:
  bool TakesAll() const;
};

bool Put::TakesAll() const {
  return std::all_of(network->tensors().begin(), network->tensors().end(), [this](const NamedTensor& named) {
    return !named.parameter || std::any_of(values.begin(), values.end(), [&](const Value& value) {
      return value.to.tensor.is_same(named.tensor);
    });
  });
}

void Put::Run() {
  if (!TakesAll()) network->Draw();
  // First all that can fail, so that a failure leaves the network as it was.
  for (auto& mask : masks) {
    if (!mask.kind) continue;
    const MaskHook* const there = FindMask(mask.parameter);
    if (!mask.keep.defined() && there != nullptr) mask.keep = there->keep();
    if (!mask.keep.defined()) mask.keep = at::ones(mask.parameter.sizes(), at::kBool);
    mask.made = MakeMask(mask.parameter, mask.keep, *mask.kind);
  }
  if (!values.empty()) {
    // The old masks would seal what the new ones keep.
    for (const auto& mask : masks) RemoveMask(mask.parameter);
    if (TakesAll()) network->DropDrawing();
  }
  for (const auto& [to, from] : values) {
    to.tensor.copy_(from);
    if (const MaskHook* hook = FindSeal(to.tensor)) hook->Seal(to.tensor.data());
  }
  for (auto& mask : masks) {
    if (mask.made) {
      PutMask(mask.parameter, std::move(mask.made));
      SealMoments(optimizers, mask.parameter);
    } else {
      RemoveMask(mask.parameter);
    }
  }
}

std::optional<MaskKind> ToMaskKind(const Napi::Value& value) {
  const std::string kind = ToString(value, "kind");
  if (kind == "sealed") return MaskKind::kSealed;
  if (kind == "spliced") return MaskKind::kSpliced;
  if (kind == "none") return {};
  throw Error("ERR_ARGUMENT", "kind must be 'sealed', 'spliced' or 'none', got '" + kind + "'");
}

// networkPutStart(network, [{name, values}], [{name, kind, keep}]): copies values into parameters and
// buffers, and puts masks on parameters, all or nothing. A mask that is not among them is applied to the
// values.
Napi::Value PutStart(const Napi::CallbackInfo& info) {
  const auto put = std::make_shared<Put>();
  put->network = UseNetwork(info[0]);
  const auto values = ToArray(info[1], "values");
  for (std::uint32_t i = 0; i < values.Length(); ++i) {
    const Options entry(values.Get(i), "value");
    const auto& named = put->network->Find(entry.String("name"));
    const auto& given = Unwrap(entry.Get("values"), "values");
    if (given.sizes() != named.tensor.sizes()) {
      throw Error("ERR_SHAPE", "'" + named.name + "' has shape " + c10::str(named.tensor.sizes()) +
                                   ", the values have " + c10::str(given.sizes()));
    }
    // So that the caller may go on with it.
    put->values.push_back({named, Snapshot(given)});
  }
  const auto masks = ToArray(info[2], "masks");
  for (std::uint32_t i = 0; i < masks.Length(); ++i) {
    const Options entry(masks.Get(i), "mask");
    const auto& named = put->network->Find(entry.String("name"));
    Put::Mask mask{named.tensor, ToMaskKind(entry.Get("kind")), {}, {}};
    if (mask.kind && !at::isFloatingType(named.tensor.scalar_type()))
      throw Error("ERR_DTYPE", "'" + named.name + "': a mask goes on a floating tensor");
    if (entry.Has("keep")) {
      const auto& keep = Unwrap(entry.Get("keep"), "keep");
      if (keep.sizes() != named.tensor.sizes()) {
        throw Error("ERR_SHAPE", "a mask has the shape of its parameter: '" + named.name + "' has shape " +
                                     c10::str(named.tensor.sizes()) + ", the mask " + c10::str(keep.sizes()));
      }
      mask.keep = Snapshot(keep);
    }
    put->masks.push_back(std::move(mask));
  }
  put->optimizers = Environment::Of(info.Env()).optimizers;
  return StartJob(
      info.Env(), "setting weights or masks", put->network, Access::kWrite, [put] { put->Run(); },
      [](Napi::Env env) { return env.Undefined(); });
}

// networkUnsealedStart(network): {name: count} of pruned places whose bits are not +0, in weights, gradients
// and moments.
Napi::Value UnsealedStart(const Napi::CallbackInfo& info) {
  const auto network = ReadNetwork(info[0]);
  auto found = std::make_shared<std::vector<std::pair<std::string, std::int64_t>>>();
  return StartJob(
      info.Env(), "assertSealed()", network, Access::kRead,
      [network, found, optimizers = Environment::Of(info.Env()).optimizers] {
        const auto look = [&](const MaskHook& hook, const std::string& name, const at::Tensor& values) {
          if (const auto count = hook.Unsealed(values); count > 0) found->emplace_back(name, count);
        };
        for (const auto& named : network->tensors()) {
          const MaskHook* hook = named.parameter ? FindSeal(named.tensor) : nullptr;
          if (hook == nullptr) continue;
          look(*hook, named.name, named.tensor);
          if (named.tensor.grad().defined()) look(*hook, named.name + ".grad", named.tensor.grad());
          ForEachMoment(optimizers, named.tensor, [&](const std::string& moment, const at::Tensor& values) {
            look(*hook, named.name + "." + moment, values);
          });
        }
      },
      [found](Napi::Env env) {
        auto counts = Napi::Object::New(env);
        for (const auto& [name, count] : *found) counts.Set(name, static_cast<double>(count));
        return Napi::Value(counts);
      });
}

// networkToStart(network, device): moves parameters, buffers and masks; gradients go. The moments of
// optimisers follow at their next step.
Napi::Value ToStart(const Napi::CallbackInfo& info) {
  const auto network = UseNetwork(info[0]);
  const auto device = ToDevice(info[1], "device");
  auto moved = std::make_shared<std::vector<Network::Moved>>();
  return StartJob(
      info.Env(), "to()", network, Access::kWrite,
      [=] {
        network->Draw();
        *moved = network->MovedTo(device);
      },
      [=](Napi::Env env) {
        network->Move(*moved, device);
        return env.Undefined();
      });
}

}  // namespace

void RegisterNetworkJobs(Napi::Object exports) {
  Export<DrawStart>(exports, "networkDrawStart");
  Export<PutStart>(exports, "networkPutStart");
  Export<UnsealedStart>(exports, "networkUnsealedStart");
  Export<ToStart>(exports, "networkToStart");
}

}  // namespace torch_prune
