#include "gradient_exchange.h"

#include <ATen/ATen.h>
#include <torch/csrc/autograd/function_hook.h>
#include <torch/csrc/autograd/variable.h>

#include <algorithm>
#include <utility>

namespace torch_prune {
namespace {

// A process without a sample of the batch takes part all the same.
Bucket GradientsOf(const Bucket& parameters) {
  Bucket gradients;
  for (const auto& parameter : parameters) {
    if (!parameter.grad().defined()) parameter.mutable_grad() = at::zeros_like(parameter);
    gradients.push_back(parameter.grad());
  }
  return gradients;
}

}  // namespace

// Called after a gradient has been added up.
class GradientExchange::Arrived : public torch::autograd::FunctionPostHook {
 public:
  Arrived(GradientExchange& exchange, std::size_t part) : exchange_(exchange), part_(part) {}
  torch::autograd::variable_list operator()(const torch::autograd::variable_list& outputs,
                                            const torch::autograd::variable_list&) override {
    if (exchange_.begun_) {
      --exchange_.parts_[part_].missing;
      exchange_.Leave(/*all=*/false);
    }
    return outputs;
  }

 private:
  GradientExchange& exchange_;
  const std::size_t part_;
};

void GradientExchange::LastBatch(std::span<double> along) {
  last_ = true, begun_ = false;
  along_ = along;
}

void GradientExchange::BeforeBackward(std::vector<OptimizedParameter>& parameters, double unit,
                                      double count) {
  if (last_ && group_.size() > 1) Begin(parameters, unit, count);
}

double GradientExchange::Finish(std::vector<OptimizedParameter>& parameters, double unit, double count) {
  if (!begun_) Begin(parameters, unit, count);
  Leave(/*all=*/true);
  double total = count_;
  for (auto& part : parts_) {
    group_.AwaitSum();
    if (&part == &parts_.front()) {
      const auto elements = ElementsOf(part.parameters);
      total = part.flat[elements].item<double>();
      for (std::size_t i = 0; i < along_.size(); ++i)
        along_[i] = part.flat[elements + 1 + static_cast<std::int64_t>(i)].item<double>();
    }
    if (total > 0) Unpack(GradientsOf(part.parameters), total, part.flat);
  }
  begun_ = last_ = false;
  along_ = {};
  return total;
}

void GradientExchange::Begin(std::vector<OptimizedParameter>& parameters, double unit, double count) {
  Bucket wanted;
  for (auto p = parameters.rbegin(); p != parameters.rend(); ++p)
    if (p->tensor.requires_grad()) wanted.push_back(p->tensor);
  const auto same = [](const at::Tensor& one, const at::Tensor& other) { return one.is_same(other); };
  if (!std::equal(wanted.begin(), wanted.end(), of_.begin(), of_.end(), same)) Watch(std::move(wanted));
  const at::Device device = of_.empty() ? at::Device(at::kCPU) : of_.front().device();
  summed_on_ = group_.SumsOn(device) ? device : at::kCPU;
  for (auto& part : parts_) part.missing = part.parameters.size();
  left_ = 0;
  unit_ = unit, count_ = count;
  begun_ = true;
}

void GradientExchange::Watch(Bucket parameters) {
  Forget();
  of_ = std::move(parameters);
  for (auto& bucket : BucketsOf(of_)) {
    for (const auto& parameter : bucket) {
      auto accumulator = torch::autograd::impl::grad_accumulator(parameter);
      const auto hook = accumulator->add_post_hook(std::make_unique<Arrived>(*this, parts_.size()));
      watched_.push_back({std::move(accumulator), hook});
    }
    parts_.push_back({.parameters = std::move(bucket)});
  }
}

void GradientExchange::Forget() {
  for (const auto& [accumulator, hook] : watched_) accumulator->del_post_hook(hook);
  watched_.clear();
  parts_.clear();
  of_.clear();
}

void GradientExchange::Leave(bool all) {
  for (; left_ < parts_.size() && (all || parts_[left_].missing == 0); ++left_) {
    auto& part = parts_[left_];
    Pack(part);
    group_.StartSum(part.flat);
  }
}

void GradientExchange::Pack(Part& part) {
  const auto gradients = GradientsOf(part.parameters);
  const auto elements = ElementsOf(part.parameters);
  const bool first = left_ == 0;
  const auto extra = first ? 1 + static_cast<std::int64_t>(along_.size()) : 0;
  // Memory that is made once costs no page faults in each step.
  if (!part.flat.defined() || part.flat.numel() != elements + extra)
    part.flat = at::empty({elements + extra}, gradients.front().options().device(summed_on_));
  torch_prune::Pack(gradients, unit_, part.flat);
  // float32 is enough for counts, whose quotients are what matters.
  for (std::int64_t i = 0; i < extra; ++i) part.flat[elements + i] = i == 0 ? count_ : along_[i - 1];
}

}  // namespace torch_prune
