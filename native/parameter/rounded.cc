#include <ATen/ATen.h>
#include <ATen/core/grad_mode.h>

#include "../base/layout.h"
#include "groups.h"
#include "mask.h"
#include "parametrization.h"
#include "straight_through.h"

namespace torch_prune {
namespace {

// By how much of the way weights come nearer to the value that they are read as, at each step. Without it
// those whose gradient never turns drift off, and drag the values along.
constexpr double kPull = 0.001;

// Keeps a value for each weight, while layers read the nearest of a few values that follow as the means of
// the weights nearest to them: a step of Lloyd's algorithm each time that a training reads. Gradients pass to
// the weights as if nothing were rounded (Bengio, Leonard and Courville 2013), which so find the values that
// they are to share, before a codebook ties them to these for good. What is pruned is +0, as in a sealed one.
class Rounded : public Parametrization {
 public:
  Rounded(const at::Tensor& values, const at::Tensor& index) : mask_(values, index) {
    places_ = InMemory(mask_.keep()).nonzero().squeeze(1);
    const Groups groups(values, index);
    const at::Tensor& grouped = groups.index();
    nearest_ = InMemory(grouped).index_select(0, places_).to(at::kLong).sub_(1);
    const std::int64_t count = places_.numel() > 0 ? nearest_.max().item<std::int64_t>() + 1 : 1;
    shared_ = at::zeros({count}, values.options().dtype(at::kDouble).requires_grad(false));
    Follow(KeptOf(values));
  }

  const char* name() const override { return "rounded"; }
  std::unique_ptr<Parametrization> Like(const at::Tensor& values) const override {
    return std::make_unique<Rounded>(values, index());
  }
  void Settle(const at::Tensor& values) const override { mask_.Seal(values); }
  std::int64_t Unsettled(const at::Tensor& values) const override { return mask_.Unsealed(values); }
  at::Tensor gradient_mask() const override { return mask_.keep(); }
  at::Tensor keep() const override { return mask_.keep(); }

  at::Tensor Effective(const at::Tensor& parameter) const override {
    at::Tensor read;
    {
      const bool trains = at::GradMode::is_enabled();
      const at::NoGradGuard no_grad;
      const at::Tensor kept = KeptOf(parameter);
      const at::Tensor between = shared_.slice(0, 1).add(shared_.slice(0, 0, -1)).mul_(0.5);
      nearest_ = at::searchsorted(between, kept, /*out_int32=*/false, /*right=*/true);
      if (trains) {
        Follow(kept);
        const at::Tensor pulled = kept.lerp(shared_.index_select(0, nearest_), kPull);
        InMemory(parameter.detach()).index_copy_(0, places_, pulled.to(parameter.scalar_type()));
      }
      read = at::zeros_like(parameter.detach());
      InMemory(read).index_copy_(0, places_, shared_.index_select(0, nearest_).to(read.scalar_type()));
    }
    return StraightThrough::apply(parameter, read);
  }

  // As a layer last read them.
  at::Tensor index() const override {
    at::Tensor index = at::zeros_like(mask_.keep(), mask_.keep().options().dtype(at::kInt));
    InMemory(index).index_copy_(0, places_, nearest_.add(1).to(at::kInt));
    return index;
  }
  at::Tensor Shared(const at::Tensor& values) const override {
    return at::cat({at::zeros({1}, shared_.options()), shared_}).to(values.scalar_type()).cpu();
  }

 private:
  at::Tensor KeptOf(const at::Tensor& values) const {
    return InMemory(values.detach()).index_select(0, places_).to(at::kDouble);
  }

  // Each value becomes the mean of the weights nearest to it; one that no weight is near stays where it is,
  // between its neighbors, so that they stay in order.
  void Follow(const at::Tensor& kept) const {
    const at::Tensor sums = at::zeros_like(shared_).index_add_(0, nearest_, kept);
    const at::Tensor counts = at::zeros_like(shared_).index_add_(0, nearest_, at::ones_like(kept));
    shared_.copy_(at::where(counts.gt(0), sums.div_(counts), shared_));
  }

  Mask mask_;
  at::Tensor places_;           // of kept weights in memory, int64
  mutable at::Tensor nearest_;  // of each of them, which value it is read as, from 0, int64
  mutable at::Tensor shared_;   // those values, ascending, double
};

const ParametrizationKind kRounded("rounded", [](const at::Tensor& parameter, const at::Tensor& index) {
  return std::unique_ptr<Parametrization>(std::make_unique<Rounded>(parameter, index));
});

}  // namespace
}  // namespace torch_prune
