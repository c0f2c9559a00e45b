#pragma once
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "../layers/layer.h"
#include "form.h"

namespace torch_prune {

// What was found out about a product: how long each of its forms takes, and which one it has.
struct Measured {
  std::string layer;
  std::int64_t weights = 0, kept = 0;
  std::string form = {};
  struct Time {
    std::string form;
    double milliseconds;
  };
  std::vector<Time> times = {};  // of those that were measured
};

// How a network runs: its layers, where batch normalizations and activations went into the products before
// them, and where each product has the form that is fastest for one batch size on this machine.
class Plan {
 public:
  struct Options {
    std::vector<std::int64_t> input;  // its sizes: [N, ...]
    int threads = 1;
    std::vector<std::string> forms;  // those to choose from; where none of them goes, a product is dense
    // Of the products, if they are known: then nothing is measured.
    std::optional<std::vector<std::string>> chosen;
    at::Device device = at::kCPU;                            // that of the layers
    at::ScalarType dtype = at::kFloat;                       // that products are computed in
    at::MemoryFormat format = at::MemoryFormat::Contiguous;  // of images and of kernels
    at::Generator generator = {};                            // of that device, if it is no CPU
  };

  // Measures no more once `stopped` says so.
  Plan(const std::vector<std::shared_ptr<Layer>>& layers, Options options,
       const std::function<bool()>& stopped);

  // Another one with the same weights and memory of its own.
  std::unique_ptr<Plan> Again() const;

  // From an input of the sizes of the options. The output is the plan's own until it runs again.
  at::Tensor Run(const at::Tensor& input);

  const std::vector<Measured>& measured() const { return measured_; }
  // The products as they run: their weights, with what was folded into them.
  struct Folded {
    std::string layer;
    at::Tensor weight, bias;          // bias may be undefined
    std::vector<std::string> affine;  // the layers that went into them, in order
  };
  std::vector<Folded> folded() const;
  std::int64_t bytes() const;

 private:
  // A layer that has gone into another one, or hands on its input, stands for the step at `same`.
  struct Step {
    std::string name;
    std::vector<int> inputs;
    std::shared_ptr<Layer> layer;  // none where a form has its weights
    int same = kOwn;
    at::Tensor bias = {};  // of a product
    std::vector<std::string> affine = {};
    std::unique_ptr<Weighing> weighing = nullptr;  // of a product, until its form is made
    std::unique_ptr<Form> form = nullptr;
  };
  static constexpr int kOwn = -2;  // -1 is the input

  Plan(const Plan& other);

  using MakeForm = std::function<void(Step& step, const at::Tensor& input)>;
  at::Tensor Walk(const at::Tensor& input, const MakeForm& make_form);
  void Fold(int position, const std::vector<int>& readers);
  int Resolve(int position) const;
  void Measure(Step& step, const at::Tensor& input, const std::function<bool()>& stopped);
  // What computes a product once, and returns when it is done.
  std::function<void()> Once(Form& form, const at::Tensor& input) const;

  Options options_;
  std::vector<Step> steps_;
  std::vector<int> last_reader_;
  std::vector<Measured> measured_;
  at::Generator generator_;
};

}  // namespace torch_prune
