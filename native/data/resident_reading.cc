#include <ATen/ATen.h>
#include <ATen/Parallel.h>

#include "../device/memory.h"
#include "memory_dataset.h"

namespace torch_prune {
namespace {

// The number of samples below which a second thread is not worth it.
constexpr std::int64_t kGrain = 1 << 12;
// The part of a GPU's free memory that samples may take unless they are told to.
constexpr std::size_t kShare = 4;
// What samples may take if libtorch does not know the free memory.
constexpr std::size_t kUnknown = std::size_t{4} << 30;

std::size_t Affordable(const at::Device& device) {
  const auto memory = DeviceMemory::Of(device);
  return memory ? memory->free / kShare : kUnknown;
}

}  // namespace

std::optional<MemoryDataset::Resident> MemoryDataset::ResidentFor(const Plan& plan) const {
  if (residency_ == Residency::kStreamed || !plan.OnTensors()) return {};
  const auto& device = plan.device;
  const auto copy = [&] { return Resident{images_.to(device), labels().to(device, targets().dtype())}; };
  if (device.is_cpu()) return copy();
  const std::lock_guard lock(mutex_);
  if (const auto found = resident_.find(device.index()); found != resident_.end()) return found->second;
  const bool automatic = residency_ == Residency::kAuto;
  // A few samples are no reason to copy all.
  if (automatic && static_cast<std::int64_t>(plan.order.size()) < size() / 4) return {};
  const std::size_t bytes =
      images_.nbytes() + static_cast<std::size_t>(labels().numel()) * c10::elementSize(targets().dtype());
  if (automatic && bytes > Affordable(device)) return {};
  CheckUnchanged();
  try {
    return resident_[device.index()] = copy();
  } catch (const c10::OutOfMemoryError&) {
    resident_.erase(device.index());
    if (automatic) return {};
    throw Error("ERR_MEMORY", "the samples take " + std::to_string(bytes) + " bytes, which " + device.str() +
                                  " does not have: make the dataset with residency: 'auto' or 'streamed'");
  }
}

DevicePixels MemoryDataset::PixelsFor(const Plan& plan) const {
  return {sample(), mean_, deviation_, plan.augmentation, plan.device};
}

// One reading of samples on a device. What is drawn for all of them is uploaded at its beginning, so that a
// batch costs a few launches and no copy.
class MemoryDataset::ResidentReading : public Pass {
 public:
  ResidentReading(std::shared_ptr<const MemoryDataset> dataset, Resident resident, Plan plan)
      : dataset_(std::move(dataset)),
        resident_(std::move(resident)),
        plan_(std::move(plan)),
        pixels_(dataset_->PixelsFor(plan_)) {
    dataset_->CheckIndices(plan_.order);
    // Batches are those of the plan, without samples that are absent.
    const auto total = static_cast<std::int64_t>(plan_.order.size());
    for (std::int64_t begin = 0; begin < total;) {
      const auto size = std::min(plan_.batch_size, total - begin);
      const auto first = plan_.order.begin() + begin;
      const auto present = dataset_->Present({first, first + size});
      order_.insert(order_.end(), present.begin(), present.end());
      ends_.push_back(static_cast<std::int64_t>(order_.size()));
      begin += size;
    }
    Draw();
  }

  Batch Next(const Job&) override {
    dataset_->CheckUnchanged();
    const std::int64_t begin = done_ == 0 ? 0 : ends_[done_ - 1];
    const std::int64_t end = done_ == ends_.size() ? begin : ends_[done_++];
    // No operators on nothing.
    if (begin == end) return dataset_->Take({}, plan_, nullptr);
    const auto drawn = drawn_.slice(1, begin, end);
    auto images = resident_.images.index_select(0, drawn.select(0, kRow));
    if (pixels_.Moves()) images = pixels_.Moved(images, drawn.narrow(0, kOffset, 2));
    images = pixels_.Normalized(images, drawn_.size(0) > kHoleY ? drawn.narrow(0, kHoleY, 2) : at::Tensor());
    const auto samples = drawn.select(0, kSample);
    return {std::move(images),
            resident_.labels.index_select(0, samples),
            {order_.begin() + begin, order_.begin() + end},
            {},
            samples};
  }

 private:
  // The rows of what is drawn; only the first two without an augmentation.
  enum : std::int64_t { kSample, kRow, kOffset, kFlip, kHoleY, kHoleX, kAll };

  void Draw() {
    const auto count = static_cast<std::int64_t>(order_.size());
    const bool augments = plan_.augmentation.Any();
    const at::Tensor drawn = BatchMemory({augments ? kAll : kOffset, count}, at::kLong, plan_.device);
    auto* out = drawn.mutable_data_ptr<std::int64_t>();
    at::parallel_for(0, count, kGrain, [&](std::int64_t begin, std::int64_t end) {
      for (std::int64_t i = begin; i < end; ++i) {
        const auto choice = dataset_->Choose(order_[i], plan_);
        out[kSample * count + i] = order_[i];
        out[kRow * count + i] = choice.row;
        if (!augments) continue;
        out[kOffset * count + i] = pixels_.Offset(choice.drawn);
        out[kFlip * count + i] = choice.drawn.flip ? 1 : 0;
        out[kHoleY * count + i] = choice.drawn.hole.y;
        out[kHoleX * count + i] = choice.drawn.hole.x;
      }
    });
    drawn_ = Upload(drawn, plan_.device);
  }

  const std::shared_ptr<const MemoryDataset> dataset_;
  const Resident resident_;
  const Plan plan_;
  const DevicePixels pixels_;
  std::vector<std::int64_t> order_;  // of the samples that are present
  std::vector<std::int64_t> ends_;   // of the batches in this order
  at::Tensor drawn_;                 // int64 [rows, samples]
  std::size_t done_ = 0;
};

std::unique_ptr<Dataset::Pass> MemoryDataset::Read(Plan plan) const {
  auto resident = ResidentFor(plan);
  if (!resident) return Stream(std::move(plan));
  return std::make_unique<ResidentReading>(std::static_pointer_cast<const MemoryDataset>(shared_from_this()),
                                           std::move(*resident), std::move(plan));
}

}  // namespace torch_prune
