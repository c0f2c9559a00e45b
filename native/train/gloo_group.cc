#include "gloo_group.h"

#include <ATen/ATen.h>

#include <algorithm>
#include <exception>
#include <utility>
#include <vector>

#include "buckets.h"
#include "gloo_connection.h"
#include "listener.h"

namespace torch_prune {
namespace {

constexpr auto kMoment = std::chrono::milliseconds(100);
// How long rank 0, which keeps the store, stays after an error so that others can read what they wait for.
constexpr double kLinger = 2;

// Waits for a collective, but not for long; whether it is over. Throws if it has failed.
bool WaitAMoment(c10d::Work& work) {
  try {
    work.wait(kMoment);
    return true;
  } catch (...) {
    if (!work.isCompleted()) return false;
  }
  work.wait();
  return true;
}

}  // namespace

GlooGroup::GlooGroup(const JoinOptions& options)
    : options_(options), connection_(std::make_unique<Connection>()) {}

GlooGroup::~GlooGroup() = default;

std::shared_ptr<GlooGroup> GlooGroup::Join(const JoinOptions& options, const Traits& traits, const Job& job) {
  const bool keeps = options.rank == 0 && options.listen;
  if (!keeps &&
      !Poll(options.connect_timeout, &job, [&] { return Listens(options.address, options.port); })) {
    if (job.Cancelled()) return nullptr;
    throw Error("ERR_GROUP", "nobody listens at " + Place(options) +
                                 ": start rank 0 there, or fix MASTER_ADDR and MASTER_PORT");
  }
  const std::shared_ptr<GlooGroup> group(new GlooGroup(options));
  auto& store = group->connection_->store;
  store = OpenStore(options);
  if (store->add("joined/" + std::to_string(options.rank), 1) > 1)
    throw Error("ERR_GROUP", "another process at " + Place(options) + " has rank " +
                                 std::to_string(options.rank) + " already: give each its own RANK");
  auto all = traits;
  all.emplace("world size", std::to_string(options.size));
  group->Compare(all, job);
  if (job.Cancelled()) return nullptr;
  group->connection_->gloo = OpenGloo(store, options);
  if (options.size > 1) group->OpenSharedSums(job);
  if (job.Cancelled()) return nullptr;
  return group;
}

bool GlooGroup::Await(const std::string& key, double seconds, const Job* job) {
  return Poll(seconds, job, [&] { return connection_->store->check({key}); });
}

void GlooGroup::Compare(const Traits& traits, const Job& job) {
  const std::string call = "compare/" + std::to_string(compared_++) + "/";
  const std::string verdict = call + "verdict", heard = call + "heard";
  auto& store = *connection_->store;
  std::string said;
  try {
    if (rank() > 0) {
      store.set(call + std::to_string(rank()), Bytes(Written(traits)));
      if (!Await(verdict, options_.connect_timeout, &job)) {
        if (job.Cancelled()) return;
        throw Error("ERR_GROUP", "rank 0 does not answer: see what it says, and start all processes again");
      }
      said = Text(store.get(verdict));
      store.add(heard, 1);
    } else {
      std::vector<bool> seen(size());
      const auto all = [&] {
        bool whole = true;
        for (int other = 1; other < size() && said.empty(); ++other) {
          const auto key = call + std::to_string(other);
          if (!seen[other] && (seen[other] = store.check({key})))
            said = Difference(traits, ReadTraits(Text(store.get(key))), other);
          whole = whole && seen[other];
        }
        return whole || !said.empty();
      };
      if (!Poll(options_.connect_timeout, &job, all)) {
        if (job.Cancelled()) return;
        int missing = 1;
        while (seen[missing]) ++missing;
        said = "rank " + std::to_string(missing) + " of " + std::to_string(size()) +
               " has not come: start all processes, or fix WORLD_SIZE";
      }
      store.set(verdict, Bytes(said));
      // Whoever goes on may come to its end, and the store with it.
      Poll(kLinger, nullptr, [&] { return store.add(heard, 0) >= size() - 1; });
    }
  } catch (const c10::Error&) {
    throw Error("ERR_GROUP",
                "rank 0 at " + Place(options_) + " is gone: see what it says, and start all processes again");
  }
  if (!said.empty()) throw Error("ERR_GROUP", said);
}

std::string GlooGroup::Share(const std::string& text) {
  std::vector<at::Tensor> length{at::scalar_tensor(static_cast<std::int64_t>(text.size()), at::kLong)};
  Complete([&](Gloo& gloo) { return gloo.broadcast(length); });
  std::vector<at::Tensor> bytes{at::empty({length[0].item<std::int64_t>()}, at::kByte)};
  auto* memory = bytes[0].data_ptr<std::uint8_t>();
  if (rank() == 0) std::copy(text.begin(), text.end(), memory);
  if (bytes[0].numel() > 0) Complete([&](Gloo& gloo) { return gloo.broadcast(bytes); });
  return {memory, memory + bytes[0].numel()};
}

void GlooGroup::Await(c10::intrusive_ptr<c10d::Work> work) {
  std::string reason;
  try {
    while (!interrupted_ && !WaitAMoment(*work)) {
    }
    if (!interrupted_) return;
  } catch (...) {
    reason = Describe(std::current_exception()).message;
  }
  // It holds on to the connections, whose end is what the others notice.
  work.reset();
  GiveUp(reason);
}

void GlooGroup::GiveUp(const std::string& reason) {
  if (interrupted_) {
    // Its threads may still wait for another process, and whoever destroys it would wait for them.
    auto gloo = connection_->gloo;
    gloo.release();
    throw Error("ERR_GROUP", "this process ends");
  }
  SayWhoIsGone(reason);
}

// Those that are alive say so in the store, all within the moment in which they notice.
void GlooGroup::SayWhoIsGone(const std::string& reason) {
  Leave();
  std::string gone;
  try {
    auto& store = *connection_->store;
    store.set("alive/" + std::to_string(rank()), Bytes("1"));
    const auto answers = [&] {
      gone.clear();
      for (int other = 0; other < size(); ++other)
        if (!store.check({"alive/" + std::to_string(other)}))
          gone.append(gone.empty() ? "" : " and ").append("rank ").append(std::to_string(other));
      return gone.empty();
    };
    Poll(rank() == 0 ? kLinger : kLinger / 2, nullptr, answers);
    if (gone.empty()) gone = "a connection";
  } catch (const c10::Error&) {
    gone = "rank 0";
  }
  throw Error("ERR_GROUP", gone + " is gone (" + reason +
                               "): see what it says, then start all processes again, with --resume to go on");
}

void GlooGroup::Leave() {
  sums_.clear();
  connection_->device_sums.reset();
  connection_->shared_sums.reset();
  connection_->gloo.reset();
}

void GlooGroup::Broadcast(const std::vector<at::Tensor>& tensors) {
  for (const auto& bucket : BucketsOf(tensors)) {
    std::vector<at::Tensor> flat{at::empty({ElementsOf(bucket)}, bucket.front().scalar_type())};
    Pack(bucket, 1, flat[0]);
    Complete([&](Gloo& gloo) { return gloo.broadcast(flat); });
    Unpack(bucket, 1, flat[0]);
  }
}

void GlooGroup::Sum(std::span<double> numbers) {
  std::vector<at::Tensor> one{
      at::from_blob(numbers.data(), {static_cast<std::int64_t>(numbers.size())}, at::kDouble)};
  if (connection_->shared_sums) return SumInMemory(one[0]);
  Complete([&](Gloo& gloo) { return gloo.allreduce(one); });
}

}  // namespace torch_prune
