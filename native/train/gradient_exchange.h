#pragma once
#include <torch/csrc/autograd/node.h>

#include <cstdint>
#include <span>
#include <vector>

#include "../optim/optimizer.h"
#include "buckets.h"
#include "process_group.h"

namespace torch_prune {

// Turns sums of gradients into means over the processes of a group. A bucket of gradients is exchanged as
// soon as the last backward of a step has come to all of them, while it computes the others (Li et al. 2020,
// "PyTorch Distributed", section 3.2.3). All processes exchange the same buckets in the same order.
class GradientExchange {
 public:
  explicit GradientExchange(ProcessGroup& group) : group_(group) {}
  ~GradientExchange() { Forget(); }
  GradientExchange(const GradientExchange&) = delete;
  GradientExchange& operator=(const GradientExchange&) = delete;

  ProcessGroup& group() const { return group_; }

  // The next batch is the last one of its step. Each of the numbers is replaced by its sum over the
  // processes, along with the gradients: an exchange takes its time, however small it is. They must outlive
  // Finish().
  void LastBatch(std::span<double> along);
  // Before a backward, with what it will have summed: gradients in a unit of this process, and how much all
  // of them count.
  void BeforeBackward(std::vector<OptimizedParameter>& parameters, double unit, double count);
  // Exchanges what has not left yet, and waits. Returns the count of all processes; if that is 0, there is no
  // mean.
  double Finish(std::vector<OptimizedParameter>& parameters, double unit, double count);

 private:
  struct Part {
    Bucket parameters;
    at::Tensor flat = {};
    std::size_t missing = 0;  // gradients that backward has yet to come to
  };
  struct Watched {
    c10::intrusive_ptr<torch::autograd::Node> accumulator;
    std::uintptr_t hook;
  };
  class Arrived;

  // Gets ready for an exchange of the gradients of these parameters.
  void Begin(std::vector<OptimizedParameter>& parameters, double unit, double count);
  void Watch(Bucket parameters);
  void Forget();
  // Begins the exchanges of those that come next and are complete, or of all that are left.
  void Leave(bool all);
  void Pack(Part& part);

  ProcessGroup& group_;
  Bucket of_;  // the parameters, from the last to the first: about as backward comes to them
  std::vector<Part> parts_;
  std::vector<Watched> watched_;
  bool last_ = false, begun_ = false;
  std::size_t left_ = 0;  // how many parts have
  at::Device summed_on_ = at::kCPU;
  std::span<double> along_;
  double unit_ = 0, count_ = 0;
};

}  // namespace torch_prune
