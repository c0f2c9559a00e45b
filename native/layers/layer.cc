#include "layer.h"

#include <array>
#include <cmath>
#include <type_traits>

#include "../ops/max_pool.h"
#include "../ops/split_linear.h"
#include "../parameter/mask.h"

namespace torch_prune {
namespace {

// torch.nn's default for linear and convolutional layers: kaiming_uniform with a = sqrt(5) for the weight,
// U(-1/sqrt(fan_in), 1/sqrt(fan_in)) for the bias. The arithmetic is PyTorch's, step by step, so that the
// same seed gives the same bits.
void InitializeWeightAndBias(const at::Tensor& weight, const at::Tensor& bias, at::Generator& generator) {
  const at::NoGradGuard no_grad;
  const auto draw = [&generator](const at::Tensor& values, double bound) {
    // On the CPU wherever they go, so that a seed means the same on every device.
    if (values.is_cpu()) {
      values.uniform_(-bound, bound, generator);
    } else {
      values.copy_(at::empty(values.sizes()).uniform_(-bound, bound, generator));
    }
  };
  const double fan_in = static_cast<double>(weight.numel()) / static_cast<double>(weight.size(0));
  const double a = std::sqrt(5.0);
  const double gain = std::sqrt(2.0 / (1 + a * a));
  const double bound = std::sqrt(3.0) * (gain / std::sqrt(fan_in));
  draw(weight, bound);
  if (bias.defined()) draw(bias, 1 / std::sqrt(fan_in));
}

class Linear : public Layer {
 public:
  explicit Linear(const Options& options) {
    const auto in = options.Integer("inFeatures");
    const auto out = options.Integer("outFeatures");
    weight_ = register_parameter("weight", at::empty({out, in}));
    if (options.Boolean("bias", true)) bias_ = register_parameter("bias", at::empty({out}));
  }
  void Initialize(at::Generator& generator) override { InitializeWeightAndBias(weight_, bias_, generator); }
  bool Draws() const override { return true; }
  bool OutputMayBeOverwritten() const override { return true; }
  at::Tensor Forward(const std::vector<at::Tensor>& inputs, ForwardContext& context) override {
    const at::Tensor weight = Effective(weight_);
    if (context.steps && CanSplitLinear(inputs[0], weight)) return SplitLinear(inputs[0], weight, bias_);
    return at::linear(inputs[0], weight, bias_);
  }

 private:
  at::Tensor weight_, bias_;
};

class Conv2d : public Layer {
 public:
  explicit Conv2d(const Options& options)
      : stride_(ToIntegers(options.Get("stride"), "stride")),
        padding_(ToIntegers(options.Get("padding"), "padding")),
        dilation_(ToIntegers(options.Get("dilation"), "dilation")),
        groups_(options.Integer("groups")) {
    const auto kernel = ToIntegers(options.Get("kernelSize"), "kernelSize");
    const auto out = options.Integer("outChannels");
    if (groups_ < 1) throw Error("ERR_ARGUMENT", "groups must be 1 or more, got " + std::to_string(groups_));
    weight_ = register_parameter(
        "weight", at::empty({out, options.Integer("inChannels") / groups_, kernel.at(0), kernel.at(1)}));
    if (options.Boolean("bias", true)) bias_ = register_parameter("bias", at::empty({out}));
  }
  void Initialize(at::Generator& generator) override { InitializeWeightAndBias(weight_, bias_, generator); }
  bool Draws() const override { return true; }
  bool OutputMayBeOverwritten() const override { return true; }
  std::int64_t groups() const override { return groups_; }
  at::Tensor Forward(const std::vector<at::Tensor>& inputs, ForwardContext&) override {
    return at::conv2d(inputs[0], Effective(weight_), bias_, stride_, padding_, dilation_, groups_);
  }

 private:
  std::vector<std::int64_t> stride_, padding_, dilation_;
  std::int64_t groups_;
  at::Tensor weight_, bias_;
};

class BatchNorm2d : public Layer {
 public:
  explicit BatchNorm2d(const Options& options) : eps_(options.Number("eps")) {
    momentum = options.Number("momentum");
    const auto features = options.Integer("features");
    weight_ = register_parameter("weight", at::ones({features}));
    bias_ = register_parameter("bias", at::zeros({features}));
    running_mean_ = register_buffer("running_mean", at::zeros({features}));
    running_var_ = register_buffer("running_var", at::ones({features}));
    batches_ = register_buffer("num_batches_tracked", at::zeros({}, at::kLong));
  }
  bool OutputMayBeOverwritten() const override { return true; }
  at::Tensor Forward(const std::vector<at::Tensor>& inputs, ForwardContext& context) override {
    if (context.training) {
      // As in PyTorch: the variance of one value would leave NaN in the running statistics.
      if (inputs[0].numel() <= inputs[0].size(1)) {
        throw Error("ERR_SHAPE", "batch normalisation trains on more than one value a channel, got " +
                                     c10::str(inputs[0].sizes()) + ": use larger batches");
      }
      batches_.add_(1);
    }
    return at::batch_norm(inputs[0], weight_, bias_, running_mean_, running_var_, context.training, momentum,
                          eps_, at::globalContext().userEnabledCuDNN());
  }

 private:
  double eps_;
  at::Tensor weight_, bias_, running_mean_, running_var_, batches_;
};

class Relu : public Layer {
 public:
  bool CanOverwrite() const override { return true; }
  at::Tensor Forward(const std::vector<at::Tensor>& inputs, ForwardContext&) override {
    if (!overwrites) return at::relu(inputs[0]);
    at::Tensor input = inputs[0];
    return at::relu_(input);
  }
};

class MaxPool2d : public Layer {
 public:
  explicit MaxPool2d(const Options& options)
      : kernel_(ToIntegers(options.Get("kernelSize"), "kernelSize")),
        stride_(ToIntegers(options.Get("stride"), "stride")),
        padding_(ToIntegers(options.Get("padding"), "padding")),
        ceil_(options.Boolean("ceilMode", false)) {}
  at::Tensor Forward(const std::vector<at::Tensor>& inputs, ForwardContext&) override {
    return MaxPool(inputs[0], kernel_, stride_, padding_, ceil_);
  }

 private:
  std::vector<std::int64_t> kernel_, stride_, padding_;
  bool ceil_;
};

class AvgPool2d : public Layer {
 public:
  explicit AvgPool2d(const Options& options)
      : kernel_(ToIntegers(options.Get("kernelSize"), "kernelSize")),
        stride_(ToIntegers(options.Get("stride"), "stride")),
        padding_(ToIntegers(options.Get("padding"), "padding")) {}
  at::Tensor Forward(const std::vector<at::Tensor>& inputs, ForwardContext&) override {
    return at::avg_pool2d(inputs[0], kernel_, stride_, padding_);
  }

 private:
  std::vector<std::int64_t> kernel_, stride_, padding_;
};

class AdaptiveAvgPool2d : public Layer {
 public:
  explicit AdaptiveAvgPool2d(const Options& options)
      : size_(ToIntegers(options.Get("outputSize"), "outputSize")) {}
  at::Tensor Forward(const std::vector<at::Tensor>& inputs, ForwardContext&) override {
    return at::adaptive_avg_pool2d(inputs[0], size_);
  }

 private:
  std::vector<std::int64_t> size_;
};

class LocalResponseNorm : public Layer {
 public:
  explicit LocalResponseNorm(const Options& options)
      : size_(options.Integer("size")),
        alpha_(options.Number("alpha")),
        beta_(options.Number("beta")),
        k_(options.Number("k")) {
    if (size_ < 1) throw Error("ERR_ARGUMENT", "size must be 1 or more, got " + std::to_string(size_));
  }
  // torch.nn.functional.local_response_norm, step by step: the mean runs along channels as along depth.
  at::Tensor Forward(const std::vector<at::Tensor>& inputs, ForwardContext&) override {
    const at::Tensor& input = inputs[0];
    const auto squares =
        at::constant_pad_nd(input.mul(input).unsqueeze(1), {0, 0, 0, 0, size_ / 2, (size_ - 1) / 2});
    const auto mean = at::avg_pool3d(squares, {size_, 1, 1}, /*stride=*/1).squeeze(1);
    return input / mean.mul(alpha_).add(k_).pow(beta_);
  }

 private:
  std::int64_t size_;
  double alpha_, beta_, k_;
};

class Flatten : public Layer {
 public:
  at::Tensor Forward(const std::vector<at::Tensor>& inputs, ForwardContext&) override {
    return inputs[0].flatten(1);
  }
};

class Dropout : public Layer {
 public:
  explicit Dropout(const Options& options) { rate = options.Number("p"); }
  at::Tensor Forward(const std::vector<at::Tensor>& inputs, ForwardContext& context) override {
    if (!context.training || rate == 0) return inputs[0];
    if (rate == 1) return inputs[0] * 0;
    const at::NoGradGuard no_grad;
    const at::Tensor noise = at::empty_like(inputs[0]).bernoulli_(1 - rate, context.generator).div_(1 - rate);
    const at::AutoGradMode grad(true);
    return inputs[0] * noise;
  }
};

class Add : public Layer {
 public:
  bool OutputMayBeOverwritten() const override { return true; }
  at::Tensor Forward(const std::vector<at::Tensor>& inputs, ForwardContext&) override {
    at::Tensor sum = inputs[0] + inputs[1];
    for (std::size_t i = 2; i < inputs.size(); ++i) sum = sum + inputs[i];
    return sum;
  }
};

template <typename Class>
std::shared_ptr<Layer> Make(const Options& options) {
  if constexpr (std::is_default_constructible_v<Class>) {
    return std::make_shared<Class>();
  } else {
    return std::make_shared<Class>(options);
  }
}

struct KnownLayer {
  const char* kind;
  std::shared_ptr<Layer> (*make)(const Options&);
};
constexpr std::array kLayers{
    KnownLayer{"linear", Make<Linear>},
    KnownLayer{"conv2d", Make<Conv2d>},
    KnownLayer{"batchNorm2d", Make<BatchNorm2d>},
    KnownLayer{"relu", Make<Relu>},
    KnownLayer{"maxPool2d", Make<MaxPool2d>},
    KnownLayer{"avgPool2d", Make<AvgPool2d>},
    KnownLayer{"adaptiveAvgPool2d", Make<AdaptiveAvgPool2d>},
    KnownLayer{"localResponseNorm", Make<LocalResponseNorm>},
    KnownLayer{"flatten", Make<Flatten>},
    KnownLayer{"dropout", Make<Dropout>},
    KnownLayer{"add", Make<Add>},
};

}  // namespace

std::shared_ptr<Layer> MakeLayer(const Options& specification) {
  const std::string kind = specification.String("kind");
  for (const auto& known : kLayers) {
    if (kind != known.kind) continue;
    auto layer = known.make(specification);
    layer->kind = kind;
    return layer;
  }
  throw Error("ERR_ARGUMENT", "there is no layer of kind '" + kind + "'");
}

}  // namespace torch_prune
