#include <ATen/ATen.h>

#include <numeric>

#include "../arguments.h"
#include "../data/dataset.h"
#include "../tensor/tensor.h"
#include "jobs.h"
#include "network.h"

namespace torch_prune {
namespace {

struct Evaluation {
  std::shared_ptr<Network> network;
  std::shared_ptr<Dataset> dataset;
  std::int64_t batch_size = 0;
  bool activations = false;

  double loss = 0, correct = 0, correct5 = 0, samples = 0;
  double input_density = 0;
  std::vector<double> densities;  // share of each layer's outputs that are not zero
  bool cancelled = false;

  void Run(Job& job);
};

double NonZero(const at::Tensor& values) {
  return static_cast<double>(values.count_nonzero().item<std::int64_t>());
}

void Evaluation::Run(Job& job) {
  const at::NoGradGuard no_grad;
  const auto count = dataset->size();
  const auto total = (count + batch_size - 1) / batch_size;
  std::vector<std::int64_t> indices(static_cast<std::size_t>(count));
  std::iota(indices.begin(), indices.end(), 0);
  densities.assign(network->layers().size(), 0);
  std::vector<double> elements(densities.size(), 0);
  double input_elements = 0;
  const Network::Observer observe = [&](int layer, const at::Tensor& output) {
    densities[layer] += NonZero(output);
    elements[layer] += static_cast<double>(output.numel());
  };
  for (std::int64_t step = 0; step < total && !(cancelled = job.Cancelled()); ++step) {
    const auto begin = step * batch_size;
    const auto size = std::min(batch_size, count - begin);
    const auto batch = dataset->Gather(&indices[begin], size, network->device());
    const at::Tensor logits =
        network->Forward(batch.images, /*training=*/false, activations ? observe : nullptr);
    dataset->CheckClasses(logits);
    loss += at::cross_entropy_loss(logits, batch.labels).item<double>() * static_cast<double>(size);
    const auto best = std::get<1>(logits.topk(std::min<std::int64_t>(5, logits.size(1)), 1));
    const auto hits = best.eq(batch.labels.unsqueeze(1));
    correct += static_cast<double>(hits.select(1, 0).sum().item<std::int64_t>());
    correct5 += static_cast<double>(hits.sum().item<std::int64_t>());
    samples += static_cast<double>(size);
    if (activations) {
      input_density += NonZero(batch.images);
      input_elements += static_cast<double>(batch.images.numel());
    }
    if (job.WantsReport()) {
      job.Report(
          {static_cast<double>(step + 1), static_cast<double>(total), loss / samples, samples, correct});
    }
  }
  loss /= std::max(samples, 1.0);
  input_density /= std::max(input_elements, 1.0);
  for (std::size_t i = 0; i < densities.size(); ++i) densities[i] /= std::max(elements[i], 1.0);
}

// evaluationStart(network, dataset, {batchSize, activations?}, onProgress?)
Napi::Value Start(const Napi::CallbackInfo& info) {
  auto& environment = Environment::Of(info.Env());
  const Options options(info[2], "options");
  auto evaluation = std::make_shared<Evaluation>();
  evaluation->network = UseNetwork(info[0]);
  evaluation->dataset = DatasetHandle::Get(info[1], "dataset");
  evaluation->batch_size = options.Integer("batchSize");
  evaluation->activations = options.Boolean("activations", false);
  if (evaluation->batch_size < 1) throw Error("ERR_ARGUMENT", "batchSize must be 1 or more");

  const auto job = environment.compute.NewJob(info.Env());
  job->claim = environment.ownership.Take(evaluation->network->Owned());
  if (info[3].IsFunction()) job->on_progress = Napi::Persistent(info[3].As<Napi::Function>());
  job->run = [evaluation](Job& running) { evaluation->Run(running); };
  job->finish = [evaluation](Napi::Env env) {
    auto result = Napi::Object::New(env);
    result.Set("samples", evaluation->samples);
    result.Set("loss", evaluation->loss);
    result.Set("correct", evaluation->correct);
    result.Set("correct5", evaluation->correct5);
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

// predictionStart(network, dataset, {batchSize}): the logits of every sample, float32 [N, classes], on the CPU.
Napi::Value Predict(const Napi::CallbackInfo& info) {
  auto& environment = Environment::Of(info.Env());
  const Options options(info[2], "options");
  const auto network = UseNetwork(info[0]);
  const auto dataset = DatasetHandle::Get(info[1], "dataset");
  const auto batch_size = options.Integer("batchSize");
  if (batch_size < 1) throw Error("ERR_ARGUMENT", "batchSize must be 1 or more");
  auto logits = std::make_shared<at::Tensor>();
  const auto job = environment.compute.NewJob(info.Env());
  job->claim = environment.ownership.Take(network->Owned());
  job->run = [=](Job& running) {
    const at::NoGradGuard no_grad;
    std::vector<std::int64_t> indices(static_cast<std::size_t>(dataset->size()));
    std::iota(indices.begin(), indices.end(), 0);
    std::vector<at::Tensor> parts;
    for (std::int64_t begin = 0; begin < dataset->size() && !running.Cancelled(); begin += batch_size) {
      const auto size = std::min(batch_size, dataset->size() - begin);
      const auto batch = dataset->Gather(&indices[begin], size, network->device());
      parts.push_back(network->Forward(batch.images, /*training=*/false).cpu());
    }
    *logits = parts.empty() ? at::empty({0, 0}) : at::cat(parts);
  };
  job->finish = [logits](Napi::Env env) { return Wrap(env, *logits); };
  return environment.compute.Start(info.Env(), job);
}

}  // namespace

void RegisterEvaluation(Napi::Object exports) {
  Export<Start>(exports, "evaluationStart");
  Export<Predict>(exports, "predictionStart");
}

}  // namespace torch_prune
