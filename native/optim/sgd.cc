#include <ATen/ATen.h>
#include <ATen/Parallel.h>

#include "../base/layout.h"
#include "../kernels/sgd.h"
#include "../parameter/parametrization.h"
#include "optimizer.h"

namespace torch_prune {
namespace {

struct SgdOptions {
  bool fused;
  double momentum, dampening;
  bool nesterov;
};
const auto kSgdFields = Fields<SgdOptions>(
    "sgd", Field("fused", &SgdOptions::fused), Field("momentum", &SgdOptions::momentum).Within(0, 1),
    Field("dampening", &SgdOptions::dampening).Within(0, 1), Field("nesterov", &SgdOptions::nesterov));

// Stochastic gradient descent like torch.optim.SGD's: momentum, dampening, Nesterov, coupled weight decay.
class Sgd : public OptimizerState {
 public:
  Sgd(std::vector<OptimizedParameter> parameters, const SgdOptions& options)
      : OptimizerState(std::move(parameters), options.fused),
        momentum_(options.momentum),
        dampening_(options.dampening),
        nesterov_(options.nesterov) {}

  std::shared_ptr<OptimizerState> Over(std::vector<OptimizedParameter> parameters) const override {
    auto same = std::make_shared<Sgd>(*this);
    same->parameters() = std::move(parameters);
    return same;
  }
  std::vector<const char*> MomentNames() const override {
    return momentum_ == 0 ? std::vector<const char*>{} : std::vector<const char*>{"momentum_buffer"};
  }

  bool SettlesInStep() const override { return fused(); }

 protected:
  void StepOne(OptimizedParameter& p, double lr) override {
    at::Tensor direction = p.gradient;
    if (p.weight_decay != 0) direction = direction.add(p.tensor, p.weight_decay);
    if (momentum_ != 0) {
      at::Tensor& buffer = p.moments[0];
      if (buffer.defined()) {
        buffer.mul_(momentum_).add_(direction, 1 - dampening_);
      } else {
        buffer = direction.clone();  // the first step is not dampened
      }
      direction = nesterov_ ? direction.add(buffer, momentum_) : buffer;
    }
    p.tensor.add_(direction, -lr);
  }

  void StepFused(const Group& group, const Rate& lr, const at::Tensor&) override {
    Group fresh, moving;  // parameters without a buffer yet, and with one
    for (OptimizedParameter* p : group) {
      const auto* parametrization = Parametrization::Of(p->tensor);
      const at::Tensor keep = parametrization == nullptr ? at::Tensor() : parametrization->gradient_mask();
      // A pass that takes the mask saves one over the gradient.
      if (keep.defined() && Pass(*p, keep, lr.value)) continue;
      if (parametrization != nullptr) parametrization->Settle(p->gradient);
      if (!keep.defined() && Pass(*p, {}, lr.value)) continue;
      (momentum_ != 0 && !p->moments[0].defined() ? fresh : moving).push_back(p);
    }
    StepKernel(fresh, true, lr);
    StepKernel(moving, false, lr);
  }

 private:
  // Runs our own pass, which equals StepOne bit for bit; returns false if it does not apply.
  bool Pass(OptimizedParameter& p, const at::Tensor& keep_mask, double lr) const {
    const at::Tensor& gradient = p.gradient;
    at::Tensor& buffer = p.moments[0];
    const auto fits = [&p](const at::Tensor& other, at::ScalarType type = at::kFloat) {
      return other.is_cpu() && other.scalar_type() == type && SameOrder(other, p.tensor);
    };
    if (!fits(p.tensor) || !fits(gradient)) return false;
    if (buffer.defined() && !fits(buffer)) return false;
    if (keep_mask.defined() && !fits(keep_mask, at::kBool)) return false;
    const bool first = momentum_ != 0 && !buffer.defined();
    if (first) buffer = at::empty_like(p.tensor, p.tensor.options().requires_grad(false));
    const SgdStep step{static_cast<float>(lr),
                       static_cast<float>(momentum_),
                       static_cast<float>(dampening_),
                       static_cast<float>(p.weight_decay),
                       nesterov_,
                       first};
    float* weight = p.tensor.mutable_data_ptr<float>();
    const float* direction = gradient.const_data_ptr<float>();
    float* moved = momentum_ == 0 ? nullptr : buffer.mutable_data_ptr<float>();
    const bool* keep = keep_mask.defined() ? keep_mask.const_data_ptr<bool>() : nullptr;
    at::parallel_for(0, p.tensor.numel(), 1 << 15, [=](std::int64_t begin, std::int64_t end) {
      SgdPass(weight + begin, direction + begin, moved ? moved + begin : nullptr,
              keep ? keep + begin : nullptr, end - begin, step);
    });
    return true;
  }

  // Runs libtorch's kernel over all parameters at once: on a GPU, launches cost more than small parameters
  // do.
  void StepKernel(const Group& group, bool first, const Rate& lr) {
    if (group.empty()) return;
    std::vector<at::Tensor> values, gradients, buffers;
    for (OptimizedParameter* p : group) {
      values.push_back(p->tensor);
      gradients.push_back(p->gradient);
      if (first) p->moments[0] = at::zeros_like(p->tensor);
      if (momentum_ != 0) buffers.push_back(p->moments[0]);
    }
    const auto step = [&](const auto& rate) {
      at::_fused_sgd_(values, gradients, buffers, group[0]->weight_decay, momentum_, rate, dampening_,
                      nesterov_, /*maximize=*/false, first);
    };
    lr.recorded.defined() ? step(lr.recorded) : step(lr.value);
  }

  double momentum_, dampening_;
  bool nesterov_;
};

}  // namespace

std::shared_ptr<OptimizerState> MakeSgd(std::vector<OptimizedParameter> parameters, const Given& spec) {
  return std::make_shared<Sgd>(std::move(parameters), kSgdFields.Read(spec));
}

}  // namespace torch_prune
