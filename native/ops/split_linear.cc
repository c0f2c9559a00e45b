#include "split_linear.h"

#include <ATen/ATen.h>
#include <ATen/Parallel.h>
#include <ATen/autocast_mode.h>
#include <torch/csrc/autograd/custom_function.h>

#include "parts.h"

namespace torch_prune {
namespace {

bool Plain(const at::Tensor& tensor) {
  return tensor.is_cpu() && tensor.scalar_type() == at::kFloat && tensor.dim() == 2 && tensor.is_contiguous();
}

// Calls f(first row, number of rows) on each thread; the products in it run on that thread only.
template <typename F>
void ForRows(std::int64_t rows, const F& f) {
  at::parallel_for(0, rows, 1, [&f](std::int64_t begin, std::int64_t end) {
    const at::NoGradGuard no_grad;  // the grad mode is not passed on to other threads
    f(begin, end - begin);
  });
}

struct Split : torch::autograd::Function<Split> {
  static at::Tensor forward(torch::autograd::AutogradContext* context, const at::Tensor& input,
                            const at::Tensor& weight, const std::optional<at::Tensor>& bias) {
    context->save_for_backward({input, weight});
    context->saved_data["bias"] = bias.has_value();
    const at::Tensor output = at::empty({input.size(0), weight.size(0)}, input.options());
    ForRows(weight.size(0), [&](std::int64_t first, std::int64_t count) {
      at::Tensor part = output.narrow(1, first, count);
      const at::Tensor rows = weight.narrow(0, first, count).t();
      if (bias) {
        at::addmm_out(part, bias->narrow(0, first, count), input, rows);
      } else {
        at::mm_out(part, input, rows);
      }
    });
    return output;
  }

  static torch::autograd::variable_list backward(torch::autograd::AutogradContext* context,
                                                 torch::autograd::variable_list gradients) {
    const auto saved = context->get_saved_variables();
    const at::Tensor &input = saved[0], &weight = saved[1], &gradient = gradients[0];
    at::Tensor of_input, of_weight, of_bias;
    if (context->needs_input_grad(0)) of_input = gradient.mm(weight);
    if (context->needs_input_grad(1)) {
      of_weight = at::empty(weight.sizes(), weight.options());
      ForRows(weight.size(0), [&](std::int64_t first, std::int64_t count) {
        at::Tensor part = of_weight.narrow(0, first, count);
        at::mm_out(part, gradient.narrow(1, first, count).t(), input);
      });
    }
    if (context->saved_data["bias"].toBool() && context->needs_input_grad(2)) of_bias = gradient.sum(0);
    return {of_input, of_weight, of_bias};
  }
};

}  // namespace

bool CanSplitLinear(const at::Tensor& input, const at::Tensor& weight) {
  return at::get_num_threads() > 1 && weight.numel() >= kFewestWeights && Plain(input) && Plain(weight) &&
         !at::autocast::is_autocast_enabled(at::kCPU);
}

at::Tensor SplitLinear(const at::Tensor& input, const at::Tensor& weight, const at::Tensor& bias) {
  return Split::apply(input, weight, bias.defined() ? std::optional(bias) : std::nullopt);
}

}  // namespace torch_prune
