#pragma once
#include <ATen/core/Tensor.h>

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "../data/dataset.h"
#include "../network/autocast.h"
#include "../network/network.h"

namespace torch_prune {

// What a network computes for every sample, in evaluation mode and in the dataset's order.
struct Sweep {
  std::shared_ptr<Network> network;
  std::shared_ptr<Dataset> dataset;
  std::int64_t batch_size;
  AutocastTo autocast = AutocastTo::kNone;
  Augmentation augmentation;
  std::uint64_t seed = 0;
  std::int64_t variants = 1;  // passes, each with an augmentation of its own
  bool drop_last = false;     // leaves out a last batch that is not full
  std::string folder;         // keeps the outputs in a file there, where it is not empty
  at::Tensor outputs;         // float32 [variants * N, ...], on the CPU; 0 where a sample cannot be read
  std::vector<std::int64_t> absent;  // samples that cannot be read, sorted
  bool finite = true;                // whether all predicted outputs are numbers

  using Compute = std::function<at::Tensor(const at::Tensor& images)>;
  Slices Run(Job& job, Compute compute);

 private:
  at::Tensor Room(at::IntArrayRef shape) const;
  void NoteAbsent(std::int64_t begin, std::int64_t size, const std::vector<std::int64_t>& present);
  void Keep(std::int64_t row, std::int64_t begin, std::int64_t size, const std::vector<std::int64_t>& present,
            const at::Tensor& part);
};

}  // namespace torch_prune
