#include <algorithm>
#include <memory>
#include <optional>

#include "../network/claim.h"
#include "../network/jobs.h"
#include "trainer.h"

// The trainer as JavaScript calls it.
namespace torch_prune {
namespace {

struct PositionOptions : Totals {
  std::int64_t steps;
  std::optional<double> scale;
  std::int64_t scale_age = 0;
};
const auto kPositionFields = Fields<PositionOptions>(
    "position", Field("steps", &PositionOptions::steps), Field("samples", &Totals::samples),
    Field("lossSum", &Totals::loss_sum), Field("lossCount", &Totals::loss_count),
    Field("judged", &Totals::judged), Field("correct", &Totals::correct),
    Field("scale", &PositionOptions::scale).Within(LossScale::kSmallest, LossScale::kLargest),
    Field("scaleAge", &PositionOptions::scale_age).Optional().Within(0, LossScale::kGoodSteps - 1));

void RefuseRunning(const Trainer& trainer) {
  if (const auto job = trainer.running.lock(); job && job->claim)
    throw Error("ERR_BUSY", "this trainer is running: await its run, or abort it, first");
}

// The trainer of a handle, to be read or changed: no run of it is in progress.
std::shared_ptr<Trainer> UseTrainer(const Napi::Value& value) {
  auto trainer = TrainerHandle::Get(value, "trainer");
  RefuseRunning(*trainer);
  return trainer;
}

// trainerMake(network, optimizer, dataset, options)
Napi::Value Make(const Napi::CallbackInfo& info) {
  auto trainer = std::make_shared<Trainer>(TrainerSettings::Of(info));
  return TrainerHandle::Wrap(info.Env(), std::move(trainer));
}

Napi::Value Dispose(const Napi::CallbackInfo& info) {
  TrainerHandle::Dispose(info[0]);
  return info.Env().Undefined();
}

Napi::Object StateOf(Napi::Env env, const Trainer& trainer) {
  const auto& position = trainer.position();
  auto object = Napi::Object::New(env);
  object.Set("steps", static_cast<double>(position.steps));
  position.totals.Put(object);
  object.Set("over", position.over);
  if (trainer.loss_scale().wanted()) {
    const auto& [scale, age] = trainer.loss_scale().state();
    object.Set("scale", scale);
    object.Set("scaleAge", static_cast<double>(age));
  }
  return object;
}

Napi::Value ResultOf(Napi::Env env, const Trainer& trainer, const Epoch& epoch) {
  const auto& report = trainer.report();
  auto result = StateOf(env, trainer);
  result.Set("loss", trainer.position().totals.Loss());
  result.Set("cancelled", report.cancelled);
  auto losses = Napi::Float32Array::New(env, report.losses.size());
  std::copy(report.losses.begin(), report.losses.end(), losses.Data());
  result.Set("losses", losses);
  result.Set("firstLoss", report.first_loss);
  result.Set("lastLoss", report.last_loss);
  result.Set("largestSample", report.largest_sample);
  if (trainer.settings().network->device().is_cuda()) {
    result.Set("captured", static_cast<double>(trainer.runner().captured()));
    result.Set("whyEager", trainer.runner().why_eager());
  }
  if (trainer.settings().sparse != Sparse::kOff) {
    const auto& names = trainer.kept().names();
    auto sparse = Napi::Array::New(env, names.size());
    for (std::uint32_t i = 0; i < names.size(); ++i) sparse.Set(i, names[i]);
    result.Set("sparse", sparse);
  }
  if (report.broken) result.Set("broken", report.broken->ToObject(env));
  if (epoch.splicing) result.Set("splicing", epoch.splicing->Counts(env));
  return result;
}

// trainerRun(trainer, epoch, onProgress?): continues the epoch that the trainer is in, or begins the next
// one.
Napi::Value Run(const Napi::CallbackInfo& info) {
  auto& environment = Environment::Of(info.Env());
  const auto trainer = UseTrainer(info[0]);
  const auto& network = *trainer->settings().network;
  for (const auto& named : network.tensors()) environment.ownership.CheckUnused(named.tensor);
  const auto epoch = std::make_shared<Epoch>(Epoch::Of(info[1], trainer->settings()));
  RefuseRunning(*trainer);  // a getter of the options may have started it
  trainer->Check(*epoch);
  const auto job = environment.compute.NewJob(info.Env());
  ClaimNetwork(environment, *job, network, Access::kWrite, trainer->Uses());
  if (info[2].IsFunction()) job->on_progress = Napi::Persistent(info[2].As<Napi::Function>());
  job->slices = [trainer, epoch](Job& running) { return trainer->Run(running, *epoch); };
  job->finish = [trainer, epoch](Napi::Env env) { return ResultOf(env, *trainer, *epoch); };
  trainer->running = job;
  return environment.compute.Start(info.Env(), job);
}

// trainerState(trainer): {steps, samples, lossSum, lossCount, judged, correct, over}, and in float16 {scale,
// scaleAge}
Napi::Value State(const Napi::CallbackInfo& info) {
  return StateOf(info.Env(), *UseTrainer(info[0]));
}

// trainerLoad(trainer, {steps, samples, lossSum, lossCount, judged, correct, scale?, scaleAge?}): the next
// run continues there. Without `scale`, the loss keeps the one that it has.
Napi::Value Load(const Napi::CallbackInfo& info) {
  const auto given = kPositionFields.Read(info[1], "position");
  std::optional<LossScale::State> scale;
  if (given.scale) scale = {*given.scale, given.scale_age};
  UseTrainer(info[0])->Load({given.steps, given}, scale);
  return info.Env().Undefined();
}

// trainerPause(trainer): the run in progress, or the next one, ends after its step
Napi::Value Pause(const Napi::CallbackInfo& info) {
  TrainerHandle::Get(info[0], "trainer")->Pause();
  return info.Env().Undefined();
}

}  // namespace

void RegisterTrainer(Napi::Env env, Napi::Object exports) {
  TrainerHandle::Register(env);
  Export<Make>(exports, "trainerMake");
  Export<Run>(exports, "trainerRun");
  Export<State>(exports, "trainerState");
  Export<Load>(exports, "trainerLoad");
  Export<Pause>(exports, "trainerPause");
  Export<Dispose>(exports, "trainerDispose");
}

}  // namespace torch_prune
