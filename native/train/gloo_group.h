#pragma once
#include <torch/csrc/distributed/c10d/Work.hpp>

#include <atomic>
#include <cstdint>
#include <deque>
#include <memory>
#include <string>

#include "../base/field_types.h"
#include "../base/handle.h"
#include "../jobs/compute_thread.h"
#include "process_group.h"
#include "traits.h"

namespace torch_prune {

// How a process joins the others.
struct JoinOptions {
  int rank = 0, size = 1;
  std::string address;          // of the machine of rank 0
  std::int64_t port = 0;        // there
  bool listen = true;           // whether rank 0 opens that port itself; otherwise a launcher has
  std::string prefix;           // of all keys, in a store that outlives an attempt
  double connect_timeout = 60;  // seconds until all have joined
  double timeout = 50;          // seconds until one that does not answer counts as gone
  bool shared_memory = true;    // whether processes of one machine sum in memory that they share
};

// Processes on CPUs that exchange tensors by Gloo, the backend of torch.distributed for them, and sum, on one
// machine, in memory that they share. They find each other through a store that rank 0 keeps. After an error
// the group is of no more use.
class GlooGroup final : public ProcessGroup {
 public:
  static constexpr std::uint64_t kTag = 11;
  static constexpr const char* kName = "process group";

  // Joins the others, on the compute thread; null if the job is cancelled first.
  static std::shared_ptr<GlooGroup> Join(const JoinOptions& options, const Traits& traits, const Job& job);
  ~GlooGroup() override;

  int rank() const override { return options_.rank; }
  int size() const override { return options_.size; }
  // On GPUs, if each process has one of its own, by NCCL.
  bool SumsOn(const at::Device& device) override;
  void StartSum(const at::Tensor& flat) override;
  void AwaitSum() override;
  void Broadcast(const std::vector<at::Tensor>& tensors) override;
  void Sum(std::span<double> numbers) override;
  void Leave() override;

  // Throws an error that names what differs from rank 0, in whichever process.
  void Compare(const Traits& traits, const Job& job);
  // What rank 0 says.
  std::string Share(const std::string& text);
  // Ends what another thread waits for in it, with an error.
  void Interrupt() { interrupted_ = true; }

 private:
  struct Connection;
  explicit GlooGroup(const JoinOptions& options);

  // Calls a collective, and waits for it. Each says who is gone if that fails.
  template <typename Call>
  c10::intrusive_ptr<c10d::Work> Begin(Call&& call);
  void Await(c10::intrusive_ptr<c10d::Work> work);
  template <typename Call>
  void Complete(Call&& call) {
    Await(Begin(call));
  }
  // Waits for a sum on a GPU. NCCL itself would wait for ever for a process that is gone.
  void AwaitOnDevice(c10d::Work& work);
  void SumInMemory(const at::Tensor& flat);
  void OpenDeviceSums(const at::Device& device);
  void OpenSharedSums(const Job& job);
  // What each process says under a key, this one included. Throws if one says nothing in time; empty if the
  // job is cancelled first.
  std::vector<std::string> SaidByAll(const std::string& key, const std::string& own, const Job* job);
  [[noreturn]] void GiveUp(const std::string& reason);
  [[noreturn]] void SayWhoIsGone(const std::string& reason);
  // Waits for a key; false if the job is cancelled, or after so many seconds.
  bool Await(const std::string& key, double seconds, const Job* job);

  const JoinOptions options_;
  std::unique_ptr<Connection> connection_;
  std::atomic<bool> interrupted_{false};
  struct Begun {
    at::Tensor flat;
    c10::intrusive_ptr<c10d::Work> work;  // null where it is summed in shared memory
  };
  std::deque<Begun> sums_;  // that were begun
  bool asked_for_device_sums_ = false;
  std::int64_t compared_ = 0;  // which of the calls it is: all make the same ones
};

using GlooGroupHandle = Handle<GlooGroup>;

void RegisterProcessGroups(Napi::Env env, Napi::Object exports);

template <>
struct FieldType<std::shared_ptr<GlooGroup>> {
  using Type = std::shared_ptr<GlooGroup>;
  static std::string Kind() { return "processGroup"; }
  static Type Read(const Napi::Value& value, const std::string& what) {
    return GlooGroupHandle::Get(value, what.c_str());
  }
};

}  // namespace torch_prune
