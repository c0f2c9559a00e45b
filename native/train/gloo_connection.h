#pragma once
#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "../device/sums.h"
#include "gloo_group.h"
#include "shared_sums.h"

// What is in libtorch, whose builds with Gloo define it for themselves alone.
#ifndef USE_C10D_GLOO
#define USE_C10D_GLOO
#endif
#include <torch/csrc/distributed/c10d/ProcessGroupGloo.hpp>
#include <torch/csrc/distributed/c10d/Store.hpp>

// What the files of GlooGroup have in common, and nobody else needs.
namespace torch_prune {

using Gloo = c10d::ProcessGroupGloo;
using Clock = std::chrono::steady_clock;

inline std::chrono::milliseconds Milliseconds(double seconds) {
  return std::chrono::milliseconds(static_cast<std::int64_t>(seconds * 1000));
}

// Polls until something is so; false if the job is cancelled, or after so many seconds.
template <typename Condition>
bool Poll(double seconds, const Job* job, Condition&& holds) {
  const auto until = Clock::now() + Milliseconds(seconds);
  while (!holds()) {
    if (Clock::now() >= until || (job != nullptr && job->Cancelled())) return false;
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  }
  return true;
}

inline std::vector<std::uint8_t> Bytes(const std::string& text) {
  return {text.begin(), text.end()};
}
inline std::string Text(const std::vector<std::uint8_t>& bytes) {
  return {bytes.begin(), bytes.end()};
}

inline std::string Place(const JoinOptions& options) {
  return options.address + ":" + std::to_string(options.port);
}

struct GlooGroup::Connection {
  c10::intrusive_ptr<c10d::Store> store;
  c10::intrusive_ptr<Gloo> gloo;            // null before all have joined, and after this process has left
  std::shared_ptr<DeviceSums> device_sums;  // if all processes have them
  std::unique_ptr<SharedSums> shared_sums;  // if all processes reach the same memory
};

template <typename Call>
c10::intrusive_ptr<c10d::Work> GlooGroup::Begin(Call&& call) {
  const auto gloo = connection_->gloo;
  if (!gloo) throw Error("ERR_GROUP", "this process has left the others: start all processes again");
  try {
    return call(*gloo);
  } catch (...) {
    GiveUp(Describe(std::current_exception()).message);
  }
}

c10::intrusive_ptr<c10d::Store> OpenStore(const JoinOptions& options);
c10::intrusive_ptr<Gloo> OpenGloo(const c10::intrusive_ptr<c10d::Store>& store, const JoinOptions& options);

}  // namespace torch_prune
