#include <memory>
#include <utility>

#include "../base/fields.h"
#include "gloo_group.h"

// Process groups as JavaScript calls them.
namespace torch_prune {
namespace {

struct GroupOptions : JoinOptions {
  Traits traits;
};
const auto kGroupFields = Fields<GroupOptions>(
    "processGroup", Field("rank", &JoinOptions::rank).AtLeast(0),
    Field("worldSize", &JoinOptions::size).AtLeast(1), Field("address", &JoinOptions::address),
    Field("port", &JoinOptions::port).Within(1, 65535), Field("listen", &JoinOptions::listen).Optional(),
    Field("prefix", &JoinOptions::prefix).Optional(),
    Field("connectTimeout", &JoinOptions::connect_timeout).Optional().Within(0, 1e6),
    Field("timeout", &JoinOptions::timeout).Optional().Within(0, 1e6),
    Field("sharedMemory", &JoinOptions::shared_memory).Optional(),
    Field("traits", &GroupOptions::traits).Optional());

// Ends what the compute thread waits for before the environment waits for the thread.
void InterruptAtEnd(Napi::Env env, const std::shared_ptr<GlooGroup>& group) {
  using Weak = std::weak_ptr<GlooGroup>;
  env.AddCleanupHook(
      [](Weak* weak) {
        if (const auto left = weak->lock()) left->Interrupt();
        delete weak;
      },
      new Weak(group));
}

// processGroupStart(options)
Napi::Value Start(const Napi::CallbackInfo& info) {
  auto& environment = Environment::Of(info.Env());
  auto options = kGroupFields.Read(info[0], "options");
  if (options.rank >= options.size)
    throw Error("ERR_ARGUMENT", "rank must be less than worldSize, " + std::to_string(options.size) +
                                    ", got " + std::to_string(options.rank));
  const auto job = environment.compute.NewJob(info.Env());
  const auto made = std::make_shared<std::shared_ptr<GlooGroup>>();
  job->run = [options, made](Job& running) { *made = GlooGroup::Join(options, options.traits, running); };
  job->finish = [made](Napi::Env env) -> Napi::Value {
    if (!*made) return env.Undefined();
    InterruptAtEnd(env, *made);
    return GlooGroupHandle::Wrap(env, std::move(*made));
  };
  return environment.compute.Start(info.Env(), job);
}

// processGroupCompare(group, {name: value})
Napi::Value Compare(const Napi::CallbackInfo& info) {
  auto& environment = Environment::Of(info.Env());
  const auto traits = ReadAs<Traits>(info[1], "traits", FieldType<std::string>{});
  const auto group = GlooGroupHandle::Get(info[0], "group");
  const auto job = environment.compute.NewJob(info.Env());
  job->run = [group, traits](Job& running) { group->Compare(traits, running); };
  job->finish = [](Napi::Env env) { return env.Undefined(); };
  return environment.compute.Start(info.Env(), job);
}

// processGroupShare(group, text): resolves to the text of rank 0
Napi::Value Share(const Napi::CallbackInfo& info) {
  auto& environment = Environment::Of(info.Env());
  const auto text = std::make_shared<std::string>(ToString(info[1], "text"));
  const auto group = GlooGroupHandle::Get(info[0], "group");
  const auto job = environment.compute.NewJob(info.Env());
  job->run = [group, text](Job&) { *text = group->Share(*text); };
  job->finish = [text](Napi::Env env) -> Napi::Value { return Napi::String::New(env, *text); };
  return environment.compute.Start(info.Env(), job);
}

// processGroupInterrupt(group): what it waits for ends with an error
Napi::Value Interrupt(const Napi::CallbackInfo& info) {
  GlooGroupHandle::Get(info[0], "group")->Interrupt();
  return info.Env().Undefined();
}

}  // namespace

void RegisterProcessGroups(Napi::Env env, Napi::Object exports) {
  GlooGroupHandle::Register(env);
  Export<Start>(exports, "processGroupStart");
  Export<Compare>(exports, "processGroupCompare");
  Export<Share>(exports, "processGroupShare");
  Export<Interrupt>(exports, "processGroupInterrupt");
}

}  // namespace torch_prune
