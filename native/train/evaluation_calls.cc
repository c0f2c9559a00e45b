#include "../network/claim.h"
#include "../network/jobs.h"
#include "evaluation.h"

namespace torch_prune {
namespace {

struct EvaluationOptions {
  std::int64_t batch_size;
  std::shared_ptr<Loss> loss;
  bool activations = false;
  AutocastTo autocast = AutocastTo::kNone;
};
const auto kEvaluationFields =
    Fields<EvaluationOptions>("evaluation", Field("batchSize", &EvaluationOptions::batch_size).AtLeast(1),
                              Field("loss", &EvaluationOptions::loss).Optional(),
                              Field("activations", &EvaluationOptions::activations).Optional(),
                              Field("autocast", &EvaluationOptions::autocast).Optional());

// evaluationStart(network, dataset, options, onProgress?)
Napi::Value Start(const Napi::CallbackInfo& info) {
  auto& environment = Environment::Of(info.Env());
  auto options = kEvaluationFields.Read(info[2], "options");
  auto evaluation = std::make_shared<Evaluation>();
  evaluation->network = ReadNetwork(info[0]);
  evaluation->dataset = DatasetHandle::Get(info[1], "dataset");
  evaluation->batch_size = options.batch_size;
  evaluation->activations = options.activations;
  evaluation->autocast = options.autocast;
  evaluation->loss = Loss::On(std::move(options.loss), evaluation->network->device());
  evaluation->metrics = evaluation->loss->NewMetrics();

  const auto job = environment.compute.NewJob(info.Env());
  ClaimNetwork(environment, *job, *evaluation->network, Access::kRead,
               {"evaluate()", evaluation->dataset->Memory(), {}});
  if (info[3].IsFunction()) job->on_progress = Napi::Persistent(info[3].As<Napi::Function>());
  job->slices = [evaluation](Job& running) { return evaluation->Run(running); };
  job->finish = [evaluation](Napi::Env env) {
    auto result = Napi::Object::New(env);
    result.Set("samples", evaluation->samples);
    const double count = evaluation->loss_count;
    result.Set("loss", count > 0 ? evaluation->loss_sum.Read() / count : 0);
    auto metrics = Napi::Object::New(env);
    evaluation->metrics->Put(metrics);
    result.Set("metrics", metrics);
    result.Set("cancelled", evaluation->cancelled);
    result.Set("inputDensity", evaluation->input_density);
    auto densities = Napi::Object::New(env);
    const auto& layers = evaluation->network->layers();
    for (std::size_t i = 0; evaluation->activations && i < layers.size(); ++i)
      densities.Set(layers[i]->name, evaluation->densities[i]);
    result.Set("densities", densities);
    return Napi::Value(result);
  };
  return environment.compute.Start(info.Env(), job);
}

}  // namespace

void RegisterEvaluation(Napi::Object exports) {
  Export<Start>(exports, "evaluationStart");
}

}  // namespace torch_prune
