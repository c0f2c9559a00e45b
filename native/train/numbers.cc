#include <ATen/ATen.h>

#include <algorithm>
#include <cstring>

#include "../data/dataset.h"
#include "../network/claim.h"
#include "../network/jobs.h"
#include "../network/network.h"
#include "../tensor/non_finite.h"
#include "../tensor/tensor.h"

// Jobs that look at numbers before other work relies on them.
namespace torch_prune {
namespace {

// networkNonFinite(network): [{name, count, nan, infinite, first}], the parameters and buffers that hold any.
Napi::Value OfNetwork(const Napi::CallbackInfo& info) {
  struct Entry {
    std::string name;
    std::int64_t count;
    NonFinite found;
  };
  auto& environment = Environment::Of(info.Env());
  const auto network = ReadNetwork(info[0]);
  const auto entries = std::make_shared<std::vector<Entry>>();
  const auto job = environment.compute.NewJob(info.Env());
  ClaimNetwork(environment, *job, *network, Access::kRead, {"a check", {}, {}});
  job->run = [network, entries](Job&) {
    network->Draw();
    for (const auto& [name, tensor, layer, parameter] : network->tensors()) {
      if (const auto found = FindNonFinite(tensor); found.any())
        entries->push_back({name, tensor.numel(), found});
    }
  };
  job->finish = [entries](Napi::Env env) -> Napi::Value {
    auto list = Napi::Array::New(env, entries->size());
    for (std::uint32_t i = 0; i < entries->size(); ++i) {
      const auto& [name, count, found] = (*entries)[i];
      auto entry = found.ToObject(env);
      entry.Set("name", name);
      entry.Set("count", static_cast<double>(count));
      list.Set(i, entry);
    }
    return list;
  };
  return environment.compute.Start(info.Env(), job);
}

Napi::Value StartSearch(Napi::Env env, std::vector<at::Tensor> reads, std::function<NonFinite()> search) {
  auto& environment = Environment::Of(env);
  const auto job = environment.compute.NewJob(env);
  job->claim = environment.ownership.Take({"a check", std::move(reads), {}});
  const auto found = std::make_shared<NonFinite>();
  job->run = [search = std::move(search), found](Job&) { *found = search(); };
  job->finish = [found](Napi::Env env) -> Napi::Value { return found->ToObject(env); };
  return environment.compute.Start(env, job);
}

// tensorNonFinite(tensor): {nan, infinite, first}
Napi::Value OfTensor(const Napi::CallbackInfo& info) {
  const at::Tensor values = Unwrap(info[0], "tensor").detach();
  return StartSearch(info.Env(), {values}, [values] { return FindNonFinite(values); });
}

// datasetNonFinite(dataset): {nan, infinite, first, targets} of what lies in memory: of samples or, where
// those are numbers, of `targets`. `first` is the sample.
Napi::Value OfDataset(const Napi::CallbackInfo& info) {
  auto& environment = Environment::Of(info.Env());
  const auto dataset = DatasetHandle::Get(info[0], "dataset");
  const auto job = environment.compute.NewJob(info.Env());
  job->claim = environment.ownership.Take({"a check", dataset->Memory(), {}});
  const auto found = std::make_shared<std::pair<NonFinite, bool>>();
  job->run = [dataset, found](Job&) {
    found->first = dataset->NonFiniteSamples();
    const auto& labels = dataset->labels();
    if (found->first.any() || !labels.defined()) return;
    found->first = FindNonFinite(labels);
    found->second = found->first.any();
    if (found->second) found->first.first /= labels.numel() / labels.size(0);
  };
  job->finish = [found](Napi::Env env) -> Napi::Value {
    auto result = found->first.ToObject(env);
    result.Set("targets", found->second);
    return result;
  };
  return environment.compute.Start(info.Env(), job);
}

// FNV-1a over words of eight bytes: tells masks apart, and is no proof against forgery.
std::uint64_t DigestOf(const at::Tensor& bytes) {
  constexpr std::uint64_t kPrime = 0x100000001b3;
  std::uint64_t digest = 0xcbf29ce484222325;
  const auto* data = static_cast<const char*>(bytes.const_data_ptr());
  for (std::int64_t rest = bytes.numel(); rest > 0; rest -= 8, data += 8) {
    std::uint64_t word = 0;
    std::memcpy(&word, data, static_cast<std::size_t>(std::min<std::int64_t>(rest, 8)));
    digest = (digest ^ word) * kPrime;
    digest ^= digest >> 32;
  }
  return digest;
}

// networkMasks(network): [{name, count, kept, digest}] of the weights that have one; the digest of shared
// values is that of their index.
Napi::Value Masks(const Napi::CallbackInfo& info) {
  struct Entry {
    std::string name;
    at::Tensor keep;
    at::Tensor index;  // of shared values; undefined where each weight has its own
    std::int64_t kept = 0;
    std::uint64_t digest = 0;
  };
  auto& environment = Environment::Of(info.Env());
  const auto network = ReadNetwork(info[0]);
  const auto entries = std::make_shared<std::vector<Entry>>();
  for (const auto& [name, tensor, layer, parameter] : network->tensors()) {
    if (const at::Tensor keep = KeptMask(tensor); keep.defined())
      entries->push_back({name, keep, SharedIndex(tensor)});
  }
  const auto job = environment.compute.NewJob(info.Env());
  ClaimNetwork(environment, *job, *network, Access::kRead, {"a check", {}, {}});
  job->run = [entries](Job&) {
    for (auto& entry : *entries) {
      const at::Tensor keep = entry.keep.cpu().contiguous();
      entry.kept = keep.count_nonzero().item<std::int64_t>();
      entry.digest = DigestOf(entry.index.defined() ? entry.index.cpu().contiguous().view(at::kByte) : keep);
    }
  };
  job->finish = [entries](Napi::Env env) -> Napi::Value {
    auto list = Napi::Array::New(env, entries->size());
    for (std::uint32_t i = 0; i < entries->size(); ++i) {
      const auto& [name, keep, index, kept, digest] = (*entries)[i];
      auto entry = Napi::Object::New(env);
      entry.Set("name", name);
      entry.Set("count", static_cast<double>(keep.numel()));
      entry.Set("kept", static_cast<double>(kept));
      entry.Set("digest", c10::str(digest));
      list.Set(i, entry);
    }
    return list;
  };
  return environment.compute.Start(info.Env(), job);
}

}  // namespace

void RegisterNumbers(Napi::Object exports) {
  Export<OfNetwork>(exports, "networkNonFinite");
  Export<OfTensor>(exports, "tensorNonFinite");
  Export<OfDataset>(exports, "datasetNonFinite");
  Export<Masks>(exports, "networkMasks");
}

}  // namespace torch_prune
