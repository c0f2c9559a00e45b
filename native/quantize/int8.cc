#include "int8.h"

#include <ATen/ATen.h>
#include <ATen/core/grad_mode.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "../base/environment.h"
#include "../tensor/tensor.h"
#include "jobs.h"

namespace torch_prune {
namespace {

constexpr float kMostLevel = 127;

// A weight's memory, by channels.
class Channels {
 public:
  Channels(const at::Tensor& weight, std::int64_t axis)
      : dense_(weight.detach().to(at::kCPU, at::kFloat).contiguous()),
        count_(dense_.size(axis)),
        before_(1),
        after_(1) {
    for (std::int64_t i = 0; i < dense_.dim(); ++i) (i < axis ? before_ : after_) *= dense_.size(i);
    if (count_ > 0) after_ /= count_;
    levels.levels = at::zeros(dense_.sizes(), at::kChar);
    levels.scales = at::ones({count_}, at::kFloat);
  }

  std::int64_t count() const { return count_; }

  float Largest(std::int64_t channel) const {
    float largest = 0;
    All(channel, [&](std::int64_t at) {
      largest = std::max(largest, std::abs(values()[at]));
      return true;
    });
    return largest;
  }

  // The nearest levels under this scale; false as soon as one is not exactly a value's, if they are to be.
  bool Take(std::int64_t channel, float scale, bool exactly) {
    auto* level = levels.levels.mutable_data_ptr<std::int8_t>();
    levels.scales.mutable_data_ptr<float>()[channel] = scale;
    return All(channel, [&](std::int64_t at) {
      const float value = values()[at];
      const float nearest = std::clamp(std::nearbyint(value / scale), -kMostLevel, kMostLevel);
      level[at] = static_cast<std::int8_t>(nearest);
      return !exactly || nearest * scale == value;
    });
  }

  Int8Levels levels;

 private:
  const float* values() const { return dense_.const_data_ptr<float>(); }

  template <typename Each>
  bool All(std::int64_t channel, const Each& each) const {
    for (std::int64_t i = 0; i < before_; ++i) {
      const std::int64_t first = (i * count_ + channel) * after_;
      for (std::int64_t at = first; at < first + after_; ++at)
        if (!each(at)) return false;
    }
    return true;
  }

  at::Tensor dense_;
  std::int64_t count_, before_, after_;
};

}  // namespace

Int8Levels NearestLevels(const at::Tensor& weight, std::int64_t axis) {
  Channels channels(weight, axis);
  for (std::int64_t channel = 0; channel < channels.count(); ++channel) {
    // The smallest numbers have no 127th: they become 0.
    const float scale = channels.Largest(channel) / kMostLevel;
    if (scale > 0) channels.Take(channel, scale, false);
  }
  return channels.levels;
}

std::optional<Int8Levels> ExactLevels(const at::Tensor& weight, std::int64_t axis) {
  constexpr float kInfinity = std::numeric_limits<float>::infinity();
  Channels channels(weight, axis);
  for (std::int64_t channel = 0; channel < channels.count(); ++channel) {
    const float largest = channels.Largest(channel);
    if (largest == 0) continue;
    // 127 times a scale is rounded, and divided by 127 it may be the scale's neighbor.
    const float scale = largest / kMostLevel;
    const bool found =
        std::isfinite(largest) && (channels.Take(channel, scale, true) ||
                                   channels.Take(channel, std::nextafter(scale, kInfinity), true) ||
                                   channels.Take(channel, std::nextafter(scale, 0.0f), true));
    if (!found) return std::nullopt;
  }
  return channels.levels;
}

namespace {

// quantizeLevels(weight, axis, exact): {levels, scales}, the nearest ones, or undefined where they are to be
// exact and are not.
Napi::Value Levels(const Napi::CallbackInfo& info) {
  const at::Tensor weight = Unwrap(info[0], "weight").detach();
  const auto axis = ToInteger(info[1], "axis");
  const bool exact = ToBoolean(info[2], "exact");
  if (!at::isFloatingType(weight.scalar_type())) throw Error("ERR_DTYPE", "a weight holds floats");
  if (axis < 0 || axis >= weight.dim())
    throw Error("ERR_ARGUMENT", "axis is no dimension of the weight, got " + std::to_string(axis));
  auto& environment = Environment::Of(info.Env());
  const auto job = environment.compute.NewJob(info.Env());
  job->claim = environment.ownership.Take({"rounding", {weight}, {}});
  const auto found = std::make_shared<std::optional<Int8Levels>>();
  job->run = [=](Job&) {
    const at::NoGradGuard no_grad;
    if (exact) {
      *found = ExactLevels(weight, axis);
      return;
    }
    if (!weight.isfinite().all().item<bool>())
      throw Error("ERR_ARGUMENT", "a weight is NaN or infinite, and has no nearest level");
    *found = NearestLevels(weight, axis);
  };
  job->finish = [found](Napi::Env env) -> Napi::Value {
    if (!*found) return env.Undefined();
    auto made = Napi::Object::New(env);
    made.Set("levels", Wrap(env, (*found)->levels));
    made.Set("scales", Wrap(env, (*found)->scales));
    return made;
  };
  return environment.compute.Start(info.Env(), job);
}

}  // namespace

void RegisterLevels(Napi::Object exports) {
  Export<Levels>(exports, "quantizeLevels");
}

}  // namespace torch_prune
