#include <torch/csrc/distributed/c10d/PrefixStore.hpp>

#include <exception>
#include <future>
#include <set>
#include <thread>
#include <utility>

#include "gloo_connection.h"

// The sums of a group: by Gloo, or, of tensors on GPUs, by NCCL.
namespace torch_prune {
namespace {

// How often a sum on a GPU is asked whether it is there.
constexpr auto kInstant = std::chrono::microseconds(20);

}  // namespace

bool GlooGroup::SumsOn(const at::Device& device) {
  if (device.is_cpu()) return true;
  if (!std::exchange(asked_for_device_sums_, true)) OpenDeviceSums(device);
  return connection_->device_sums != nullptr;
}

void GlooGroup::OpenDeviceSums(const at::Device& device) {
  auto& store = *connection_->store;
  const auto key = [](int rank) { return "gpu/" + std::to_string(rank); };
  std::set<std::string> found;
  bool all = true;
  try {
    store.set(key(rank()), Bytes("GPU " + DeviceSums::Identity(device)));
    for (int other = 0; other < size(); ++other) {
      if (!Await(key(other), options_.timeout, nullptr)) GiveUp("it says nothing of its GPU");
      const std::string gpu = Text(store.get(key(other)));
      all = all && gpu != "GPU " && found.insert(gpu).second;
    }
    if (!all) return;
    std::shared_ptr<DeviceSums> sums =
        DeviceSums::Make({c10::make_intrusive<c10d::PrefixStore>("nccl", connection_->store), rank(), size(),
                          Milliseconds(options_.timeout)});
    // On a thread of its own, which stays where a process that has failed never comes.
    std::packaged_task<void()> connect([sums, device] { sums->Connect(device); });
    auto connected = connect.get_future();
    std::thread(std::move(connect)).detach();
    const auto over = [&] {
      return interrupted_ || connected.wait_for(std::chrono::seconds(0)) == std::future_status::ready;
    };
    if (!Poll(options_.timeout, nullptr, over) || interrupted_) GiveUp("its GPU does not connect");
    connected.get();
    connection_->device_sums = std::move(sums);
  } catch (const c10::Error& error) {
    GiveUp(error.what_without_backtrace());
  }
}

void GlooGroup::StartSum(const at::Tensor& flat) {
  const auto begin = [&](Gloo& gloo) {
    std::vector<at::Tensor> one{flat};
    return flat.is_cpu() ? gloo.allreduce(one) : connection_->device_sums->Start(flat);
  };
  sums_.push_back({Begin(begin), !flat.is_cpu()});
}

void GlooGroup::AwaitSum() {
  auto [work, on_device] = std::move(sums_.front());
  sums_.pop_front();
  on_device ? AwaitOnDevice(*work) : Await(std::move(work));
}

void GlooGroup::AwaitOnDevice(c10d::Work& work) {
  const auto until = Clock::now() + Milliseconds(options_.timeout);
  std::string reason;
  try {
    while (!interrupted_ && !work.isCompleted()) {
      if (Clock::now() >= until) throw Error("ERR_GROUP", "it does not answer");
      std::this_thread::sleep_for(kInstant);
    }
    if (!interrupted_ && work.exception()) std::rethrow_exception(work.exception());
    if (!interrupted_) return work.synchronize();
  } catch (...) {
    reason = Describe(std::current_exception()).message;
  }
  connection_->device_sums->Abort();
  GiveUp(reason);
}

}  // namespace torch_prune
