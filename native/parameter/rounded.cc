#include <ATen/ATen.h>
#include <ATen/core/grad_mode.h>

#include "../base/layout.h"
#include "groups.h"
#include "mask.h"
#include "parametrization.h"
#include "place_bits.h"
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
//
// Where bits have a price, it is the cheapest value instead, +0 among them (entropy-constrained quantization:
// Chou, Lookabaugh and Gray 1989; for networks Wiedemann et al. 2018): the square of the distance, plus what
// the value and the place of a weight take in a coded file.
class Rounded : public Parametrization {
 public:
  Rounded(const at::Tensor& values, const at::Tensor& index) : mask_(values, index) {
    places_ = InMemory(mask_.keep()).nonzero().squeeze(1);
    const Groups groups(values, index);
    const at::Tensor& grouped = groups.index();
    nearest_ = InMemory(grouped).index_select(0, places_).to(at::kLong);
    const std::int64_t count = places_.numel() > 0 ? nearest_.max().item<std::int64_t>() : 1;
    shared_ = at::zeros({count + 1}, values.options().dtype(at::kDouble).requires_grad(false));
    Follow(KeptOf(values));
  }

  const char* name() const override { return "rounded"; }
  std::unique_ptr<Parametrization> Like(const at::Tensor& values) const override {
    auto like = std::make_unique<Rounded>(values, index());
    if (bit_ > 0) like->SetBit(values, bit_);
    return like;
  }
  void Settle(const at::Tensor& values) const override { mask_.Seal(values); }
  std::int64_t Unsettled(const at::Tensor& values) const override { return mask_.Unsealed(values); }
  at::Tensor gradient_mask() const override { return mask_.keep(); }
  at::Tensor keep() const override { return mask_.keep(); }

  void SetPrice(const at::Tensor& values, double price) override {
    if (places_.numel() == 0) return;
    SetBit(values, price * KeptOf(values).square().mean().item<double>());
  }

  // A price may turn out too high, which is a number to be read.
  bool CanRecord() const override { return bit_ == 0; }

  at::Tensor Effective(const at::Tensor& parameter) const override {
    at::Tensor read;
    {
      const bool trains = at::GradMode::is_enabled();
      const at::NoGradGuard no_grad;
      const at::Tensor kept = KeptOf(parameter);
      // In place, for steps that are recorded.
      nearest_.copy_(bit_ > 0 ? Cheapest(kept) : Nearest(kept));
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
    InMemory(index).index_copy_(0, places_, nearest_.to(at::kInt));
    return index;
  }
  at::Tensor Shared(const at::Tensor& values) const override {
    return shared_.to(values.scalar_type()).cpu();
  }

 private:
  at::Tensor KeptOf(const at::Tensor& values) const {
    return InMemory(values.detach()).index_select(0, places_).to(at::kDouble);
  }

  // Where bits cost something, each kept weight has to know its row and its column.
  void SetBit(const at::Tensor& values, double bit) {
    bit_ = bit;
    row_count_ = values.size(0);
    column_count_ = values.numel() / row_count_;
    const at::Tensor order = at::empty_like(values, values.options().dtype(at::kLong).requires_grad(false));
    order.copy_(at::arange(values.numel(), order.options()).view(values.sizes()));
    const at::Tensor of_kept = InMemory(order).index_select(0, places_);
    rows_ = of_kept.div(column_count_, "floor");
    columns_ = of_kept.remainder(column_count_);
  }

  at::Tensor Nearest(const at::Tensor& kept) const {
    const at::Tensor between = shared_.slice(0, 2).add(shared_.slice(0, 1, -1)).mul_(0.5);
    return at::searchsorted(between, kept, /*out_int32=*/false, /*right=*/true).add_(1);
  }

  at::Tensor Cheapest(const at::Tensor& kept) const {
    const at::Tensor stays = nearest_.gt(0).to(at::kDouble);
    const auto kept_by = [&](const at::Tensor& lines, std::int64_t count) {
      return at::zeros({count}, stays.options()).index_add_(0, lines, stays);
    };
    const auto places = PlaceBits::Of(kept_by(rows_, row_count_), kept_by(columns_, column_count_));
    const at::Tensor of_place =
        places.of_rows.index_select(0, rows_).add_(places.of_columns.index_select(0, columns_));
    // A value is taken for one that was seen once more, lest one that no weight has cost without end.
    const at::Tensor counts = Counts().slice(0, 1).add(1);
    const at::Tensor of_value = counts.div(counts.sum()).log2_().neg_();
    at::Tensor cost = kept.square(), cheapest = at::zeros_like(nearest_);
    for (std::int64_t value = 1; value < shared_.size(0); value++) {
      const at::Tensor bits = of_place.add(of_value[value - 1]).clamp_min_(PlaceBits::kLeastBits);
      const at::Tensor other = kept.sub(shared_[value]).square_().add_(bits, bit_);
      cheapest.masked_fill_(other.lt(cost), value);
      cost = at::minimum(cost, other);
    }
    if (!cheapest.any().item<bool>())
      throw Error("ERR_ARGUMENT", "at this price no weight of a layer is worth its bits: give a lower price");
    return cheapest;
  }

  // How many weights are read as each value.
  at::Tensor Counts() const {
    return at::zeros_like(shared_).index_add_(0, nearest_, at::ones_like(nearest_, shared_.options()));
  }

  // Each value becomes the mean of the weights nearest to it; one that no weight is near stays where it is,
  // between its neighbors, so that they stay in order.
  void Follow(const at::Tensor& kept) const {
    const at::Tensor sums = at::zeros_like(shared_).index_add_(0, nearest_, kept);
    const at::Tensor counts = Counts();
    shared_.copy_(at::where(counts.gt(0), sums.div_(counts), shared_));
    shared_[0] = 0;
  }

  Mask mask_;
  at::Tensor places_;           // of kept weights in memory, int64
  mutable at::Tensor nearest_;  // of each of them, which value it is read as, int64
  mutable at::Tensor shared_;   // those values, double: 0, and the others, ascending without a price
  double bit_ = 0;              // what a bit costs, beside squares of distances
  // Where bits cost something: of each kept weight, int64; and how many of each the weight has.
  at::Tensor rows_, columns_;
  std::int64_t row_count_ = 0, column_count_ = 0;
};

const ParametrizationKind kRounded("rounded", [](const at::Tensor& parameter, const at::Tensor& index) {
  return std::unique_ptr<Parametrization>(std::make_unique<Rounded>(parameter, index));
});

}  // namespace
}  // namespace torch_prune
