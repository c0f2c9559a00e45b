#include "plan.h"

#include <ATen/ATen.h>
#include <ATen/CPUGeneratorImpl.h>
#include <c10/core/impl/VirtualGuardImpl.h>

#include <algorithm>

#include "../base/timing.h"
#include "../device/graph.h"

namespace torch_prune {
namespace {

// A form is measured until it has taken so long, at least kFewestRuns and at most kMostRuns times.
constexpr double kMillisecondsPerProduct = 200;
constexpr std::size_t kFewestRuns = 5, kMostRuns = 40;
// Dense stays where nothing is faster by more than what two measurements differ by.
constexpr double kWorthIt = 0.97;

const NamedForm& FormNamed(const std::string& name) {
  for (const auto& form : kForms) {
    if (name == form.name) return form;
  }
  throw Error("ERR_ARGUMENT", "there is no form '" + name + "'");
}

// Values times one factor for each output.
at::Tensor Scaled(const at::Tensor& weight, const at::Tensor& scale) {
  std::vector<std::int64_t> sizes(weight.dim(), 1);
  sizes[0] = -1;
  return (weight * scale.view(sizes)).contiguous();
}

}  // namespace

Plan::Plan(const std::vector<std::shared_ptr<Layer>>& layers, Options options,
           const std::function<bool()>& stopped)
    : options_(std::move(options)), generator_(at::detail::createCPUGenerator()) {
  const auto count = static_cast<int>(layers.size());
  std::vector<int> readers(count, 0);
  for (const auto& layer : layers) {
    for (const int input : layer->inputs) {
      if (input >= 0) readers[input]++;
    }
  }
  readers[count - 1]++;  // whoever takes the network's output
  for (int i = 0; i < count; i++) {
    steps_.push_back({.name = layers[i]->name, .inputs = layers[i]->inputs, .layer = layers[i]});
    Fold(i, readers);
  }
  last_reader_.assign(count, count);
  for (int i = 0; i < count; i++) {
    for (const int input : layers[i]->inputs) {
      const int own = Resolve(input);
      if (own >= 0) last_reader_[own] = i;
    }
  }
  if (const int last = Resolve(count - 1); last >= 0) last_reader_[last] = count;

  const auto products =
      std::count_if(steps_.begin(), steps_.end(), [](const Step& step) { return step.weighing != nullptr; });
  if (options_.chosen && options_.chosen->size() != static_cast<std::size_t>(products)) {
    throw Error("ERR_ARGUMENT", "the plan is of another network: it has forms for " +
                                    std::to_string(options_.chosen->size()) + " layers, not " +
                                    std::to_string(products));
  }
  at::Tensor samples = at::rand(options_.input, generator_).to(options_.device);
  if (samples.dim() == 4) samples = samples.contiguous(options_.format);
  Walk(samples, [&](Step& step, const at::Tensor& input) { Measure(step, input, stopped); });
}

// Layers without a form keep nothing of a run.
Plan::Plan(const Plan& other)
    : options_(other.options_),
      last_reader_(other.last_reader_),
      measured_(other.measured_),
      generator_(at::detail::createCPUGenerator()) {
  for (const auto& step : other.steps_) {
    steps_.push_back({.name = step.name,
                      .inputs = step.inputs,
                      .layer = step.layer,
                      .same = step.same,
                      .bias = step.bias,
                      .affine = step.affine,
                      .form = step.form ? step.form->Again() : nullptr});
  }
}

std::unique_ptr<Plan> Plan::Again() const {
  return std::unique_ptr<Plan>(new Plan(*this));
}

int Plan::Resolve(int position) const {
  while (position >= 0 && steps_[position].same != kOwn) position = steps_[position].same;
  return position;
}

// Looks whether the layer is a product, or can go into one.
void Plan::Fold(int position, const std::vector<int>& readers) {
  Step& step = steps_[position];
  const Lowering lowering = step.layer->Lower();
  if (const auto* product = std::get_if<Product>(&lowering)) {
    step.weighing = std::make_unique<Weighing>();
    step.weighing->product = *product;
    step.weighing->product.weight = product->weight.contiguous();
    step.weighing->threads = options_.threads;
    return;
  }
  if (std::holds_alternative<std::monostate>(lowering)) return;
  const int input = step.inputs[0];
  if (std::holds_alternative<Identity>(lowering)) {
    step.same = input;
    return;
  }
  // Nobody else may see the output without it.
  int before = input;
  while (before >= 0 && readers[before] == 1 && steps_[before].same != kOwn) before = steps_[before].same;
  if (before < 0 || readers[before] != 1 || !steps_[before].weighing) return;
  auto& [product, clamp, sizes, threads] = *steps_[before].weighing;
  const bool clamped = clamp.lowest != Clamp{}.lowest || clamp.highest != Clamp{}.highest;
  if (clamped) return;
  if (const auto* bounds = std::get_if<Clamp>(&lowering)) {
    clamp = *bounds;
  } else if (const auto* affine = std::get_if<ChannelAffine>(&lowering)) {
    product.weight = Scaled(product.weight, affine->scale);
    product.bias = product.bias.defined() ? product.bias * affine->scale + affine->shift : affine->shift;
    steps_[before].affine.push_back(step.name);
  }
  step.same = input;
}

at::Tensor Plan::Walk(const at::Tensor& input, const MakeForm& make_form) {
  std::vector<at::Tensor> outputs(steps_.size());
  const auto output = [&](int position) -> at::Tensor& { return outputs[Resolve(position)]; };
  std::vector<at::Tensor> inputs;
  ForwardContext context{false, generator_};
  for (std::size_t i = 0; i < steps_.size(); i++) {
    Step& step = steps_[i];
    if (step.same == kOwn) {
      inputs.clear();
      for (const int from : step.inputs) inputs.push_back(Resolve(from) < 0 ? input : output(from));
      if (options_.dtype != at::kFloat) {
        const bool product = step.weighing || step.form;
        // Other layers with numbers of their own have them in float32.
        if (product || !step.layer->parameters().empty())
          for (auto& each : inputs) each = each.to(product ? options_.dtype : at::kFloat);
      }
      if (step.weighing) make_form(step, inputs[0]);
      outputs[i] = step.form ? step.form->Run(inputs[0]) : step.layer->Forward(inputs, context);
    }
    for (const int from : step.inputs) {
      const int own = Resolve(from);
      if (own >= 0 && last_reader_[own] == static_cast<int>(i) && own != static_cast<int>(i)) {
        outputs[own].reset();
      }
    }
  }
  const int last = Resolve(static_cast<int>(steps_.size()) - 1);
  return last < 0 ? input : outputs[last];
}

at::Tensor Plan::Run(const at::Tensor& input) {
  return Walk(input, nullptr);
}

// Tries the forms of a product on an input of it, and keeps the fastest.
void Plan::Measure(Step& step, const at::Tensor& input, const std::function<bool()>& stopped) {
  Weighing& weighing = *step.weighing;
  weighing.input = input.sizes().vec();
  auto& [weight, bias, window] = weighing.product;
  weight = weight.to(options_.dtype);
  if (weight.dim() == 4) weight = weight.contiguous(options_.format);
  if (bias.defined()) bias = bias.to(options_.dtype);
  Measured measured{.layer = step.name, .weights = weight.numel(), .kept = weighing.kept()};
  if (options_.chosen) {
    measured.form = (*options_.chosen)[measured_.size()];
    const NamedForm& form = FormNamed(measured.form);
    if (form.GoesOn(options_.device)) step.form = form.make(weighing);
    if (!step.form)
      throw Error("ERR_ARGUMENT", "layer '" + measured.layer + "' has no form '" + measured.form + "'");
  } else {
    struct Candidate {
      const char* name;
      std::unique_ptr<Form> form;
      std::function<void()> once;
      std::vector<double> times = {};  // in milliseconds
    };
    std::vector<Candidate> candidates;
    for (const auto& each : kForms) {
      const char* name = each.name;
      if (!each.GoesOn(options_.device)) continue;
      // Where there are no zeros, skipping them brings nothing.
      if (options_.forms.empty() && each.skips_zeros && measured.kept == measured.weights) continue;
      const bool asked =
          std::find(options_.forms.begin(), options_.forms.end(), name) != options_.forms.end();
      if (!asked && !options_.forms.empty()) continue;
      if (auto form = each.make(weighing)) candidates.push_back({name, std::move(form), {}});
    }
    if (candidates.empty()) candidates.push_back({"dense", MakeDenseForm(weighing), {}});
    for (auto& each : candidates) each.once = Once(*each.form, input);
    // Each takes the input as it lies, which another form would have to copy. They take turns, so that a
    // machine that slows down favors none, and none finds its weights in a cache that a whole network would
    // have filled with others.
    double round = 0;
    for (auto& each : candidates) round += Milliseconds(each.once);
    const auto runs = std::clamp(static_cast<std::size_t>(kMillisecondsPerProduct / std::max(round, 1e-6)),
                                 kFewestRuns, kMostRuns);
    for (std::size_t run = 0; run < runs; run++) {
      if (stopped()) break;
      for (auto& each : candidates) each.times.push_back(Milliseconds(each.once));
    }
    std::size_t best = 0;
    for (std::size_t i = 0; i < candidates.size() && !stopped(); i++) {
      const double milliseconds = Median(candidates[i].times);
      measured.times.push_back({candidates[i].name, milliseconds});
      const double limit =
          measured.times[best].milliseconds * (candidates[best].name == std::string("dense") ? kWorthIt : 1);
      if (i > 0 && milliseconds < limit) best = i;
    }
    measured.form = candidates[best].name;
    step.form = std::move(candidates[best].form);
  }
  measured_.push_back(std::move(measured));
  step.bias = weighing.product.bias;
  step.weighing.reset();
  step.layer.reset();
}

std::function<void()> Plan::Once(Form& form, const at::Tensor& input) const {
  if (options_.device.is_cpu()) return [&form, input] { form.Run(input); };
  form.Run(input);
  const std::shared_ptr<DeviceGraph> graph =
      DeviceGraph::Of(options_.device, options_.generator, [&] { form.Run(input); });
  const auto stream = c10::impl::VirtualGuardImpl(options_.device.type()).getStream(options_.device);
  return [&form, input, graph, stream] {
    graph ? graph->Replay() : static_cast<void>(form.Run(input));
    stream.synchronize();
  };
}

std::vector<Plan::Folded> Plan::folded() const {
  std::vector<Folded> folded;
  for (const auto& step : steps_) {
    if (step.form) folded.push_back({step.name, step.form->Weight(), step.bias, step.affine});
  }
  return folded;
}

std::int64_t Plan::bytes() const {
  std::int64_t bytes = 0;
  for (const auto& step : steps_) bytes += step.form ? step.form->bytes() : 0;
  return bytes;
}

}  // namespace torch_prune
