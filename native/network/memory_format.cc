#include <ATen/ATen.h>
#include <ATen/core/grad_mode.h>

#include "../base/arguments.h"
#include "claim.h"
#include "jobs.h"
#include "network.h"

namespace torch_prune {
namespace {

constexpr std::pair<const char*, at::MemoryFormat> kFormats[] = {
    {"contiguous", at::MemoryFormat::Contiguous},
    {"channelsLast", at::MemoryFormat::ChannelsLast},
};

at::MemoryFormat ToFormat(const Napi::Value& value) {
  const std::string wanted = ToString(value, "memoryFormat");
  for (const auto& [name, format] : kFormats)
    if (wanted == name) return format;
  throw Error("ERR_ARGUMENT", "memoryFormat must be 'contiguous' or 'channelsLast', got '" + wanted + "'");
}

// networkFormat(network): how its images and their weights lie in memory.
Napi::Value Format(const Napi::CallbackInfo& info) {
  const auto format = NetworkHandle::Get(info[0], "network")->format();
  for (const auto& [name, known] : kFormats)
    if (format == known) return Napi::String::New(info.Env(), name);
  return info.Env().Undefined();
}

// networkFormatStart(network, format): lays weights, gradients and masks out anew. The moments of optimizers
// follow at their next step.
Napi::Value Start(const Napi::CallbackInfo& info) {
  auto& environment = Environment::Of(info.Env());
  const auto network = UseNetwork(info[0]);
  const auto format = ToFormat(info[1]);
  auto moved = std::make_shared<std::vector<Network::Moved>>();
  const auto job = environment.compute.NewJob(info.Env());
  ClaimNetwork(environment, *job, *network, Access::kWrite, {"setMemoryFormat()", {}, {}});
  job->run = [network, format, moved](Job&) {
    const at::NoGradGuard no_grad;
    network->Draw();
    for (const auto& named : network->tensors()) {
      const at::Tensor& tensor = named.tensor;
      if (tensor.dim() != 4 || tensor.is_contiguous(format)) continue;
      moved->emplace_back(tensor, tensor.detach().contiguous(format));
      if (tensor.grad().defined()) tensor.mutable_grad() = tensor.grad().contiguous(format);
    }
  };
  // Here, since a claim is on the memory that a tensor had when its job began.
  job->finish = [network, format, moved](Napi::Env env) {
    for (auto& each : *moved) each.Place();
    network->SetFormat(format);
    return env.Undefined();
  };
  return environment.compute.Start(info.Env(), job);
}

}  // namespace

void RegisterMemoryFormat(Napi::Object exports) {
  Export<Format>(exports, "networkFormat");
  Export<Start>(exports, "networkFormatStart");
}

}  // namespace torch_prune
