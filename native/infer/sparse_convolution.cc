#include <ATen/ATen.h>
#include <ATen/Parallel.h>

#include <algorithm>
#include <array>
#include <memory>
#include <utility>
#include <vector>

#include "../kernels/pattern_rows.h"
#include "../kernels/transpose.h"
#include "../ops/parts.h"
#include "form.h"
#include "strips.h"

namespace torch_prune {
namespace {

// A product of fewer numbers is finished before a second thread has started.
constexpr std::int64_t kFewestProducts = 1 << 18;
// So many parts that no thread waits long for another one's last.
constexpr std::int64_t kPartsOfThread = 4;
// What a thread reads again and again lies in a core's second cache: the weights of its rows, and their sums.
constexpr std::int64_t kWeightBytes = 1 << 20, kSumBytes = 256 << 10;

// An input of some rows: the line of its block at which it begins, and where each row's weight for it stands
// in a dense weight; -1 where a row has none, since it is of another group of channels or there is no such
// row.
struct Tap {
  std::uint16_t line;
  std::array<std::int64_t, PatternRows::kMostTogether> places;
};

// All of a group of rows in a block.
std::vector<Tap> TapsOf(const Strips& strips, std::int64_t block, std::int64_t group) {
  const std::int64_t in_group = strips.channels / strips.window.groups;
  const std::int64_t out_group = strips.outputs / strips.window.groups;
  const std::int64_t taps = strips.kernel[0] * strips.kernel[1];
  const std::int64_t first = block * strips.block, last = std::min(first + strips.block, strips.channels);
  std::vector<Tap> all;
  for (std::int64_t tap = 0; tap < taps; tap++) {
    const std::int64_t line = strips.Line(tap / strips.kernel[1], tap % strips.kernel[1]);
    for (std::int64_t channel = first; channel < last; channel++) {
      auto& [at, places] = all.emplace_back();
      at = static_cast<std::uint16_t>((channel - first) * strips.lines + line);
      places.fill(-1);
      for (std::int64_t row = 0; row < strips.shape.together; row++) {
        const std::int64_t output = group * strips.shape.together + row;
        const std::int64_t own = channel - output / out_group * in_group;
        if (output < strips.outputs && own >= 0 && own < in_group)
          places[row] = (output * in_group + own) * taps + tap;
      }
    }
  }
  return all;
}

PatternRows RowsOf(const at::Tensor& weight, const Strips& strips) {
  const float* values = weight.const_data_ptr<float>();
  const std::int64_t blocks = at::divup(strips.channels, strips.block);
  PatternRows rows(strips.outputs, blocks, strips.shape.together);
  std::vector<PatternRows::Input> inputs;
  for (std::int64_t block = 0; block < rows.blocks; block++) {
    for (std::int64_t group = 0; group < rows.groups(); group++) {
      inputs.clear();
      for (const auto& [line, places] : TapsOf(strips, block, group)) {
        auto& input = inputs.emplace_back(PatternRows::Input{line, {}});
        for (std::size_t row = 0; row < places.size(); row++)
          input.weights[row] = places[row] < 0 ? 0 : values[places[row]];
      }
      rows.Append(inputs);
    }
  }
  rows.line.shrink_to_fit(), rows.value.shrink_to_fit();  // sessions are kept for long
  return rows;
}

class SparseConvolution : public Form {
 public:
  SparseConvolution(const Weighing& weighing, Isa isa, Strips strips)
      : isa_(isa),
        strips_(std::move(strips)),
        rows_(std::make_shared<const PatternRows>(RowsOf(weighing.product.weight, strips_))),
        bias_(weighing.product.bias),
        epilogue_(EpilogueOf(bias_, weighing.clamp)) {
    ShareOut(weighing.threads);
    MakeRoom();
  }

  at::Tensor Run(const at::Tensor& input) override {
    const at::Tensor images = Rows(input);
    const std::int64_t bands = at::divup(strips_.count, band_);
    const std::int64_t tasks = bands * (static_cast<std::int64_t>(parts_.size()) - 1);
    InTasks(tasks, static_cast<std::int64_t>(rooms_.size()), [&](std::int64_t room, std::int64_t task) {
      const std::int64_t part = task / bands, first = task % bands * band_;
      Compute(images, parts_[part], parts_[part + 1], first, std::min(first + band_, strips_.count),
              rooms_[room]);
    });
    return output_;
  }
  std::int64_t bytes() const override { return rows_->bytes(); }
  at::Tensor Weight() const override {
    at::Tensor weight = at::zeros(
        {strips_.outputs, strips_.channels / strips_.window.groups, strips_.kernel[0], strips_.kernel[1]});
    float* to = weight.mutable_data_ptr<float>();
    std::vector<std::array<float, PatternRows::kMostTogether>> by_line;
    for (std::int64_t block = 0; block < rows_->blocks; block++) {
      for (std::int64_t group = 0; group < rows_->groups(); group++) {
        by_line.assign(strips_.block * strips_.lines, {});
        for (const auto& [line, weights] : rows_->InputsOf(block, group)) by_line[line] = weights;
        for (const auto& [line, places] : TapsOf(strips_, block, group)) {
          for (std::size_t row = 0; row < places.size(); row++) {
            if (places[row] >= 0) to[places[row]] = by_line[line][row];
          }
        }
      }
    }
    return weight;
  }
  std::unique_ptr<Form> Again() const override {
    auto again = std::make_unique<SparseConvolution>(*this);
    again->MakeRoom();
    return again;
  }

 private:
  // What a thread needs of its own.
  struct Room {
    at::Tensor lines, sums;
    std::vector<LineMoves> moves;  // of each strip of a band
  };

  // Images whose rows lie one after another. Some layers put the channels of a pixel side by side.
  at::Tensor Rows(const at::Tensor& input) {
    const auto& s = strips_;
    const std::int64_t pixels = s.height * s.width;
    if (s.channels == 1 || !input.is_contiguous(at::MemoryFormat::ChannelsLast)) return input.contiguous();
    if (!turned_.defined()) turned_ = at::empty(input.sizes());
    const float* from = input.const_data_ptr<float>();
    float* to = turned_.mutable_data_ptr<float>();
    constexpr std::int64_t kPixels = 1 << 10;
    const std::int64_t tasks = at::divup(pixels, kPixels);
    InTasks(s.samples * tasks, threads_, [&](std::int64_t, std::int64_t task) {
      const std::int64_t image = task / tasks * s.channels * pixels, first = task % tasks * kPixels;
      Transpose(from + image, pixels, s.channels, first, std::min(first + kPixels, pixels), to + image);
    });
    return turned_;
  }

  // Rows in parts whose weights, and strips in bands whose sums, have room in a cache.
  void ShareOut(std::int64_t threads) {
    const bool few =
        static_cast<std::int64_t>(rows_->value.size()) * strips_.count * strips_.tall * strips_.shape.lanes <
        kFewestProducts;
    threads_ = few ? 1 : threads;
    const std::int64_t tasks = threads_ == 1 ? 1 : threads_ * kPartsOfThread;
    std::int64_t parts = at::divup(rows_->bytes(), kWeightBytes);
    parts = std::max({parts, at::divup(threads_, strips_.count), std::int64_t{1}});
    const auto sums = [&] {
      const std::int64_t rows = at::divup(rows_->groups(), parts) * rows_->together;
      return rows * strips_.tall * strips_.shape.lanes * static_cast<std::int64_t>(sizeof(float));
    };
    const std::int64_t bands = std::max<std::int64_t>(tasks / parts, 1);
    band_ = std::clamp<std::int64_t>(kSumBytes / sums(), 1, at::divup(strips_.count, bands));
    parts_ = rows_->Parts(parts);
  }

  void MakeRoom() {
    const auto& s = strips_;
    std::int64_t most = 0;
    for (std::size_t part = 1; part < parts_.size(); part++)
      most = std::max(most, parts_[part] - parts_[part - 1]);
    rooms_.clear();
    for (std::int64_t thread = 0; thread < threads_; thread++) {
      rooms_.push_back({at::zeros({s.block * s.lines + 1, s.shape.lanes}),
                        at::zeros({band_, most * s.shape.together, s.tall * s.shape.lanes}),
                        std::vector<LineMoves>(band_)});
    }
    turned_.reset();
    output_ = at::empty({s.samples, s.outputs, s.out_height, s.out_width});
  }

  // The outputs of groups of rows, of a band of strips.
  void Compute(const at::Tensor& images, std::int64_t first_group, std::int64_t last_group,
               std::int64_t first_strip, std::int64_t last_strip, Room& room) {
    const auto& s = strips_;
    const std::int64_t pixels = s.height * s.width;
    const std::int64_t per_channel = s.lines * s.shape.lanes;
    float* lines = room.lines.mutable_data_ptr<float>();
    float* sums = room.sums.mutable_data_ptr<float>();
    const std::int64_t per_strip = room.sums.stride(0);
    for (std::int64_t strip = first_strip; strip < last_strip; strip++)
      s.Moves(strip, room.moves[strip - first_strip]);
    for (std::int64_t block = 0; block < rows_->blocks; block++) {
      const std::int64_t channel = block * s.block;
      const LineCopy copy{images.const_data_ptr<float>() + channel * pixels,
                          images.numel() - channel * pixels,
                          std::min(s.block, s.channels - channel),
                          pixels,
                          lines,
                          per_channel};
      for (std::int64_t strip = first_strip; strip < last_strip; strip++) {
        CopyLines(room.moves[strip - first_strip], copy, isa_);
        Multiply(*rows_, block, first_group, last_group, lines, s.tall, epilogue_,
                 sums + (strip - first_strip) * per_strip, isa_);
      }
    }
    const std::int64_t first = first_group * s.shape.together;
    const std::int64_t last = std::min(last_group * s.shape.together, s.outputs);
    s.Take(first_strip, last_strip, first, last, sums, per_strip, output_.mutable_data_ptr<float>());
  }

  Isa isa_;
  Strips strips_;
  std::shared_ptr<const PatternRows> rows_;
  at::Tensor bias_;
  Epilogue epilogue_;
  std::vector<std::int64_t> parts_;  // the first group of each, and their number
  std::int64_t band_ = 1;            // strips
  std::int64_t threads_ = 1;
  std::vector<Room> rooms_;
  at::Tensor turned_;  // if they are
  at::Tensor output_;
};

}  // namespace

std::unique_ptr<Form> MakeSparseConvolutionForm(const Weighing& weighing) {
  const Isa isa = UsedIsa();
  Strips strips(weighing, isa);
  if (strips.lines * strips.block >= std::int64_t{1} << 16) return nullptr;
  return std::make_unique<SparseConvolution>(weighing, isa, std::move(strips));
}

}  // namespace torch_prune
