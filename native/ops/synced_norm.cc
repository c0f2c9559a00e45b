#include "synced_norm.h"

#include <ATen/ATen.h>
#include <torch/csrc/autograd/custom_function.h>

#include <utility>
#include <vector>

#include "../base/errors.h"

namespace torch_prune {
namespace {

thread_local const SyncNorms* current = nullptr;

// Values [C] beside an input [N, C, ...].
at::Tensor Beside(const at::Tensor& values, const at::Tensor& input) {
  std::vector<std::int64_t> sizes(input.dim(), 1);
  sizes[1] = -1;
  return values.to(at::kFloat).view(sizes);
}

// Sums over all dimensions but that of the channels: [C].
at::Tensor OverChannels(const at::Tensor& input) {
  std::vector<std::int64_t> others;
  for (std::int64_t i = 0; i < input.dim(); ++i)
    if (i != 1) others.push_back(i);
  return input.sum(others, /*keepdim=*/false, at::kDouble);
}

// Of all processes: rows of numbers, [rows, C] and one that they all share.
struct Summed {
  at::Tensor rows;  // double
  double one;
};
Summed OfAll(const std::vector<at::Tensor>& rows, double one) {
  const at::Tensor own = at::stack(rows).to(at::kCPU, at::kDouble);
  const at::Tensor flat = at::cat({own.flatten(), at::scalar_tensor(one, at::kDouble).view(1)});
  current->sum({flat.mutable_data_ptr<double>(), static_cast<std::size_t>(flat.numel())});
  const at::Tensor all = flat.narrow(0, 0, own.numel()).view(own.sizes());
  return {all.to(rows.front().device()), flat[own.numel()].item<double>()};
}

struct Normalization : torch::autograd::Function<Normalization> {
  static at::Tensor forward(torch::autograd::AutogradContext* context, const at::Tensor& input,
                            const at::Tensor& weight, const at::Tensor& bias, const at::Tensor& mean,
                            const at::Tensor& deviation, double count) {
    const at::Tensor normal = (input.to(at::kFloat) - Beside(mean, input)) / Beside(deviation, input);
    context->save_for_backward({normal, weight, deviation});
    context->saved_data["count"] = count;
    return (normal * Beside(weight, input) + Beside(bias, input)).to(input.scalar_type());
  }

  // With y = w n + b and n = (x - mean) / deviation, for N values of a channel in all processes (Ioffe and
  // Szegedy 2015, section 3): of x is w / deviation (of y - (sum of y + n sum of (y n)) / N).
  static torch::autograd::variable_list backward(torch::autograd::AutogradContext* context,
                                                 torch::autograd::variable_list gradients) {
    if (current == nullptr) throw Error("ERR_GROUP", "this backward is not of a step of several processes");
    const auto saved = context->get_saved_variables();
    const at::Tensor &normal = saved[0], &weight = saved[1], &deviation = saved[2];
    const at::Tensor of_output = gradients[0].to(at::kFloat);
    const at::Tensor of_bias = OverChannels(of_output), of_weight = OverChannels(of_output * normal);
    const double unit = current->unit;
    const auto sums = OfAll({of_bias * unit, of_weight * unit}, 0).rows;
    const at::Tensor means = sums / (unit * context->saved_data["count"].toDouble());
    const at::Tensor of_input = (of_output - Beside(means[0], normal) - normal * Beside(means[1], normal)) *
                                (Beside(weight, normal) / Beside(deviation, normal));
    return {of_input.to(gradients[0].scalar_type()),
            of_weight.to(weight.scalar_type()),
            of_bias.to(weight.scalar_type()),
            at::Tensor(),
            at::Tensor(),
            at::Tensor()};
  }
};

}  // namespace

SyncNorms::SyncNorms(Sum sum) : sum(std::move(sum)), before_(std::exchange(current, this)) {}

SyncNorms::~SyncNorms() {
  current = before_;
}

const SyncNorms* SyncNorms::Current() {
  return current;
}

at::Tensor SyncedNorm(const at::Tensor& input, const at::Tensor& weight, const at::Tensor& bias,
                      const at::Tensor& running_mean, const at::Tensor& running_var, double momentum,
                      double eps) {
  at::Tensor mean, deviation;
  double count = 0;
  {
    const at::NoGradGuard no_grad;
    const at::Tensor exact = input.to(at::kDouble);
    const auto own = static_cast<double>(input.numel() / input.size(1));
    const auto [sums, all] = OfAll({OverChannels(exact), OverChannels(exact * exact)}, own);
    count = all;
    if (count < 2)
      throw Error("ERR_SHAPE",
                  "batch normalization trains on more than one value a channel: use larger batches");
    mean = sums[0] / count;
    const at::Tensor variance = (sums[1] / count - mean * mean).clamp_min(0);
    deviation = (variance + eps).sqrt();
    running_mean.lerp_(mean.to(running_mean.scalar_type()), momentum);
    running_var.lerp_((variance * (count / (count - 1))).to(running_var.scalar_type()), momentum);
  }
  return Normalization::apply(input, weight, bias, mean, deviation, count);
}

}  // namespace torch_prune
