#pragma once
#include <ATen/core/Tensor.h>

#include <cstdint>
#include <vector>

#include "augment.h"

namespace torch_prune {

// Makes float32 batches out of pixels on their device, equal to what is made of them on the CPU except for
// rounding (1e-6 of the largest value). It uses libtorch's operators, which run on any device; each is a
// launch on a GPU, so there are few of them.
class DevicePixels {
 public:
  // `sample`: the shape of one sample. mean, deviation: for bytes, as in Normalization; none if pixels only
  // become float32.
  DevicePixels(std::vector<std::int64_t> sample, const std::vector<double>& mean,
               const std::vector<double>& deviation, const Augmentation& augmentation,
               const at::Device& device);

  // Whether the augmentation crops or flips.
  bool Moves() const { return places_.defined(); }
  // Where the crop begins in the padded image, for Moved().
  std::int64_t Offset(const Drawn& drawn) const;
  // Crops and flips pixels [n, C, H, W]. moves: int64 [2, n], for each sample Offset() and whether it is
  // flipped.
  at::Tensor Moved(const at::Tensor& pixels, const at::Tensor& moves) const;
  // Makes normalized float32 of pixels [n, C, ...]. holes: int64 [2, n], the center of each cutout (y, x);
  // not used if there is no cutout.
  at::Tensor Normalized(const at::Tensor& pixels, const at::Tensor& holes) const;

 private:
  void MakePlaces(bool flip, const at::Device& device);
  void MakeCutout(std::int64_t side, const at::Device& device);

  const std::vector<std::int64_t> sample_;
  at::Tensor factors_;  // float32 [2, 1, C, 1, ...]: what bytes are multiplied by, and what is added then
  std::int64_t pad_y_ = 0, pad_x_ = 0;
  // int64 [1 or 2, H * W]: where the pixels of a crop at offset 0 are in the padded image, plain and flipped.
  at::Tensor places_;
  // bool [H, H] and [W, W]: for each center of a cutout, whether it covers a row or a column.
  at::Tensor covered_rows_, covered_columns_;
};

}  // namespace torch_prune
