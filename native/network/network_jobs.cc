#include <ATen/ATen.h>
#include <ATen/core/grad_mode.h>

#include <algorithm>

#include "../base/fields.h"
#include "../parameter/slots.h"
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

// Of a parameter without a parametrization.
constexpr const char* kPlain = "none";

// What networkPutStart() is given, and how far it has come.
struct Put {
  struct Value {
    const NamedTensor& to;
    at::Tensor values;
  };
  struct Mask {
    at::Tensor parameter;
    std::string kind;  // a parametrization's name, or kPlain
    at::Tensor keep;   // undefined: what is kept now, or all
    double price;      // of a bit; 0: none
    std::unique_ptr<Parametrization> made;
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
    if (mask.kind == kPlain) continue;
    if (!mask.keep.defined()) mask.keep = KeptMask(mask.parameter);
    if (!mask.keep.defined()) mask.keep = at::ones(mask.parameter.sizes(), at::kBool);
    mask.made = Parametrization::Make(mask.kind, mask.parameter, mask.keep);
    if (mask.price > 0) mask.made->SetPrice(mask.parameter, mask.price);
  }
  if (!values.empty()) {
    // The old masks would seal what the new ones keep.
    for (const auto& mask : masks) Parametrization::Remove(mask.parameter);
    if (TakesAll()) network->DropDrawing();
  }
  for (const auto& [to, from] : values) {
    to.tensor.copy_(from);
    if (const auto* there = Parametrization::Of(to.tensor)) there->Settle(to.tensor.data());
  }
  for (auto& mask : masks) {
    if (mask.made) {
      Parametrization::Put(mask.parameter, std::move(mask.made));
      SettleMoments(optimizers, mask.parameter);
    } else {
      Parametrization::Remove(mask.parameter);
    }
  }
}

// Reads the name of a parametrization, or of none.
struct Parametrized {
  using Type = std::string;
  static std::string Kind() { return Known(" | "); }
  static std::string Read(const Napi::Value& value, const std::string& what) {
    const std::string kind = ToString(value, what.c_str());
    const auto names = Parametrization::Names();
    if (kind == kPlain || std::ranges::find(names, kind) != names.end()) return kind;
    throw Error("ERR_ARGUMENT", what + " must be one of " + Known(", ") + ", got '" + kind + "'");
  }

 private:
  static std::string Known(const char* between) {
    std::string known;
    for (const auto& name : Parametrization::Names())
      known.append("'").append(name).append("'").append(between);
    return known.append("'").append(kPlain).append("'");
  }
};

struct GivenValues {
  std::string name;
  at::Tensor values;
};
const auto kValuesFields =
    Fields<GivenValues>("values", Field("name", &GivenValues::name), Field("values", &GivenValues::values));
struct GivenMask {
  std::string name, kind;
  at::Tensor keep;
  double price = 0;
};
const auto kMaskFields = Fields<GivenMask>(
    "mask", Field("name", &GivenMask::name), Field("kind", &GivenMask::kind, Parametrized{}),
    Field("keep", &GivenMask::keep).Optional(), Field("price", &GivenMask::price).AtLeast(0).Optional());

// networkPutStart(network, [{name, values}], [{name, kind, keep, price}]): copies values into parameters and
// buffers, and puts masks on parameters, all or nothing. A mask that is not among them is applied to the
// values.
Napi::Value PutStart(const Napi::CallbackInfo& info) {
  const auto put = std::make_shared<Put>();
  put->network = UseNetwork(info[0]);
  const auto all_values = ReadList(kValuesFields, info[1], "values");
  const auto masks = ReadList(kMaskFields, info[2], "masks");
  for (const auto& [name, given] : all_values) {
    const auto& named = put->network->Find(name);
    if (given.sizes() != named.tensor.sizes()) {
      throw Error("ERR_SHAPE", "'" + named.name + "' has shape " + c10::str(named.tensor.sizes()) +
                                   ", the values have " + c10::str(given.sizes()));
    }
    // So that the caller may go on with it.
    put->values.push_back({named, Snapshot(given)});
  }
  for (const auto& [name, kind, keep, price] : masks) {
    const auto& named = put->network->Find(name);
    Put::Mask mask{named.tensor, kind, {}, price, {}};
    if (mask.kind != kPlain && !at::isFloatingType(named.tensor.scalar_type()))
      throw Error("ERR_DTYPE", "'" + named.name + "': a mask goes on a floating tensor");
    if (keep.defined()) {
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

// networkUnsealedStart(network): {name: count} of elements that are not as the parametrization demands, in
// weights, gradients and moments: pruned places whose bits are not +0.
Napi::Value UnsealedStart(const Napi::CallbackInfo& info) {
  const auto network = ReadNetwork(info[0]);
  auto found = std::make_shared<std::vector<std::pair<std::string, std::int64_t>>>();
  return StartJob(
      info.Env(), "assertSealed()", network, Access::kRead,
      [network, found, optimizers = Environment::Of(info.Env()).optimizers] {
        const auto look = [&](const Parametrization& of, const std::string& name, const at::Tensor& values) {
          if (const auto count = of.Unsettled(values); count > 0) found->emplace_back(name, count);
        };
        for (const auto& named : network->tensors()) {
          const auto* of = Parametrization::Of(named.tensor);
          if (of == nullptr) continue;
          look(*of, named.name, named.tensor);
          if (named.tensor.grad().defined()) look(*of, named.name + ".grad", named.tensor.grad());
          ForEachMoment(optimizers, named.tensor, [&](const std::string& moment, const at::Tensor& values) {
            look(*of, named.name + "." + moment, values);
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
// optimizers follow at their next step.
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
