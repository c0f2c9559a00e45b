#include "gloo_connection.h"

#include <c10/util/Logging.h>

#include <cstdlib>
#include <exception>
#include <utility>

#include "listener.h"

#include <torch/csrc/distributed/c10d/PrefixStore.hpp>
#include <torch/csrc/distributed/c10d/TCPStore.hpp>

namespace torch_prune {
namespace {

// libtorch writes a stack trace to stderr for what is an error with one line here.
class WithoutLog {
 public:
  WithoutLog() { FLAGS_caffe2_log_level = 3; }  // what ends the process
  ~WithoutLog() { FLAGS_caffe2_log_level = before_; }
  WithoutLog(const WithoutLog&) = delete;
  WithoutLog& operator=(const WithoutLog&) = delete;

 private:
  const int before_ = FLAGS_caffe2_log_level;
};

}  // namespace

c10::intrusive_ptr<c10d::Store> OpenStore(const JoinOptions& options) {
  c10d::TCPStoreOptions store;
  store.port = static_cast<std::uint16_t>(options.port);
  store.isServer = options.rank == 0 && options.listen;
  store.waitWorkers = false;
  store.timeout = Milliseconds(options.connect_timeout);
  // libtorch's libuv is not the one that this process has from Node.
  store.useLibUV = false;
  if (store.isServer) store.masterListenFd = ListenAt(options.port);
  const WithoutLog quiet;
  try {
    auto tcp = c10::make_intrusive<c10d::TCPStore>(options.address, store);
    return c10::make_intrusive<c10d::PrefixStore>("torch-prune/" + options.prefix, tcp);
  } catch (...) {
    throw Error("ERR_GROUP", "what listens at " + Place(options) + " is not rank 0 of a training (" +
                                 Describe(std::current_exception()).message +
                                 "): fix MASTER_ADDR and MASTER_PORT");
  }
}

c10::intrusive_ptr<Gloo> OpenGloo(const c10::intrusive_ptr<c10d::Store>& store, const JoinOptions& options) {
  auto settings = c10d::ProcessGroupGloo::Options::create(Milliseconds(options.timeout));
  settings->threads = 1;                                      // one exchange at a time
  const char* interface = std::getenv("GLOO_SOCKET_IFNAME");  // PyTorch's variable
  const bool here = options.address == "127.0.0.1" || options.address == "localhost";
  settings->devices.push_back(interface != nullptr ? Gloo::createDeviceForInterface(interface)
                              : here               ? Gloo::createDeviceForHostname("127.0.0.1")
                                                   : Gloo::createDefaultDevice());
  return c10::make_intrusive<Gloo>(c10::make_intrusive<c10d::PrefixStore>("gloo", store), options.rank,
                                   options.size, settings);
}

}  // namespace torch_prune
