#include "claim.h"

#include "../base/arguments.h"
#include "../data/dataset.h"
#include "../tensor/tensor.h"

namespace torch_prune {

void ClaimNetwork(Environment& environment, Job& job, const Network& network, Access access, Use use) {
  const auto owned = network.Owned();
  auto& used = access == Access::kWrite ? use.writes : use.reads;
  used.insert(used.end(), owned.begin(), owned.end());
  job.claim = environment.ownership.Take(use);
}

namespace {

using LeaseHandle = Handle<Lease>;

// leaseTake(by, network | undefined, datasets, tensors): from now on nobody writes them but the jobs of the
// lease.
Napi::Value Take(const Napi::CallbackInfo& info) {
  struct Owned {
    std::shared_ptr<Network> network;
    std::vector<at::Tensor> tensors;
  };
  auto& ownership = Environment::Of(info.Env()).ownership;
  const auto owned = std::make_shared<Owned>();
  const auto by = ToString(info[0], "by");
  if (!info[1].IsUndefined()) owned->network = UseNetwork(info[1]);
  const auto datasets = ToArray(info[2], "datasets");
  for (std::uint32_t i = 0; i < datasets.Length(); ++i) {
    const auto memory = DatasetHandle::Get(datasets.Get(i), "dataset")->Memory();
    owned->tensors.insert(owned->tensors.end(), memory.begin(), memory.end());
  }
  const auto tensors = ToArray(info[3], "tensors");
  for (std::uint32_t i = 0; i < tensors.Length(); ++i)
    owned->tensors.push_back(Unwrap(tensors.Get(i), "tensor"));
  for (const auto& tensor : owned->tensors) ownership.Check(tensor);

  auto lease = std::make_shared<Lease>();
  lease->by = by;
  lease->holds = [owned](const void* key) {
    const auto is = [key](const at::Tensor& tensor) { return Use::Key(tensor) == key; };
    if (key == nullptr) return false;
    if (std::any_of(owned->tensors.begin(), owned->tensors.end(), is)) return true;
    if (!owned->network) return false;
    const auto& named = owned->network->tensors();
    // Not their gradients, which come and go while a job runs.
    return std::any_of(named.begin(), named.end(), [&](const NamedTensor& each) { return is(each.tensor); });
  };
  lease->changes = [owned] { return owned->network ? owned->network->Owned() : std::vector<at::Tensor>(); };
  ownership.Add(lease);
  return LeaseHandle::Wrap(info.Env(), std::move(lease));
}

// leaseWait(lease): resolves when no job reads what the lease's jobs will write; undefined where none does
// now.
Napi::Value Wait(const Napi::CallbackInfo& info) {
  auto& environment = Environment::Of(info.Env());
  const auto lease = LeaseHandle::Get(info[0], "lease");
  const auto unread = [&ownership = environment.ownership, lease](Job&) {
    return !ownership.AnyRead(lease->changes());
  };
  const auto job = environment.compute.NewJob(info.Env());
  if (unread(*job)) return info.Env().Undefined();
  job->may_begin = unread;
  job->run = [](Job&) {};
  job->finish = [](Napi::Env env) { return env.Undefined(); };
  return environment.compute.Start(info.Env(), job);
}

Napi::Value End(const Napi::CallbackInfo& info) {
  Environment::Of(info.Env()).ownership.Remove(LeaseHandle::Get(info[0], "lease"));
  LeaseHandle::Dispose(info[0]);
  return info.Env().Undefined();
}

}  // namespace

void RegisterLease(Napi::Env env, Napi::Object exports) {
  LeaseHandle::Register(env);
  Export<Take>(exports, "leaseTake");
  Export<Wait>(exports, "leaseWait");
  Export<End>(exports, "leaseEnd");
}

}  // namespace torch_prune
