#include <torch/csrc/distributed/c10d/PrefixStore.hpp>

#include <algorithm>
#include <exception>
#include <fstream>
#include <future>
#include <set>
#include <thread>
#include <utility>

#include "gloo_connection.h"

// The sums of a group: in shared memory, by Gloo, or, of tensors on GPUs, by NCCL.
namespace torch_prune {
namespace {

// How often a sum on a GPU is asked whether it is there.
constexpr auto kInstant = std::chrono::microseconds(20);

// The same for all processes of a machine since it was started; empty where it does not say.
std::string MachineId() {
  std::string id;
  std::ifstream("/proc/sys/kernel/random/boot_id") >> id;
  return id;
}

}  // namespace

bool GlooGroup::SumsOn(const at::Device& device) {
  if (device.is_cpu()) return true;
  if (!std::exchange(asked_for_device_sums_, true)) OpenDeviceSums(device);
  return connection_->device_sums != nullptr;
}

std::vector<std::string> GlooGroup::SaidByAll(const std::string& key, const std::string& own,
                                              const Job* job) {
  auto& store = *connection_->store;
  const auto of = [&key](int rank) { return key + "/" + std::to_string(rank); };
  // The store takes no empty text.
  store.set(of(rank()), Bytes("=" + own));
  std::vector<std::string> all;
  for (int other = 0; other < size(); ++other) {
    if (!Await(of(other), options_.timeout, job)) {
      if (job != nullptr && job->Cancelled()) return {};
      GiveUp("it says nothing of its " + key);
    }
    all.push_back(Text(store.get(of(other))).substr(1));
  }
  return all;
}

// One after the other, all say which machine they are on, rank 0 where the memory is, and all whether they
// have it.
void GlooGroup::OpenSharedSums(const Job& job) {
  try {
    const auto machines = SaidByAll("machine", options_.shared_memory ? MachineId() : "", &job);
    const std::set<std::string> found(machines.begin(), machines.end());
    if (found.size() != 1 || found.contains("")) return;
    std::unique_ptr<SharedSums> sums;
    if (rank() == 0) sums = SharedSums::Make(*this);
    const auto places = SaidByAll("memory", sums ? sums->address() : "", &job);
    if (places.empty() || places.front().empty()) return;
    if (rank() > 0) sums = SharedSums::Open(*this, places.front());
    const auto all = SaidByAll("view of the memory", sums ? "open" : "", &job);
    if (!all.empty() && std::find(all.begin(), all.end(), "") == all.end())
      connection_->shared_sums = std::move(sums);
  } catch (const c10::Error& error) {
    GiveUp(error.what_without_backtrace());
  }
}

void GlooGroup::OpenDeviceSums(const at::Device& device) {
  try {
    const auto all = SaidByAll("gpu", DeviceSums::Identity(device), nullptr);
    const std::set<std::string> found(all.begin(), all.end());
    if (found.contains("") || found.size() < all.size()) return;
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
  // While others compute, nothing is gained by summing in memory: it takes the same cores.
  if (flat.is_cpu() && connection_->shared_sums) return sums_.push_back({flat, nullptr});
  const auto begin = [&](Gloo& gloo) {
    std::vector<at::Tensor> one{flat};
    return flat.is_cpu() ? gloo.allreduce(one) : connection_->device_sums->Start(flat);
  };
  sums_.push_back({flat, Begin(begin)});
}

void GlooGroup::AwaitSum() {
  auto [flat, work] = std::move(sums_.front());
  sums_.pop_front();
  if (!work) return SumInMemory(flat);
  flat.is_cpu() ? Await(std::move(work)) : AwaitOnDevice(*work);
}

void GlooGroup::SumInMemory(const at::Tensor& flat) {
  std::string reason;
  try {
    return connection_->shared_sums->Sum(flat, Milliseconds(options_.timeout),
                                         [this] { return interrupted_.load(); });
  } catch (...) {
    reason = Describe(std::current_exception()).message;
  }
  GiveUp(reason);
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
