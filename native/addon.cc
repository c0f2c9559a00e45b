#include <napi.h>

#include "base/environment.h"
#include "base/fields.h"
#include "base/host_memory.h"
#include "base/warnings.h"
#include "coded/jobs.h"
#include "data/batches_dataset.h"
#include "data/dataset.h"
#include "data/file_list.h"
#include "data/folder_dataset.h"
#include "data/packed_dataset.h"
#include "device/cuda.h"
#include "device/device.h"
#include "infer/session.h"
#include "network/claim.h"
#include "network/jobs.h"
#include "network/network.h"
#include "optim/optimizer.h"
#include "quantize/jobs.h"
#include "tensor/autograd.h"
#include "tensor/operators.h"
#include "tensor/random.h"
#include "tensor/tensor.h"
#include "tensor/transfer.h"
#include "train/gloo_group.h"

namespace torch_prune {
namespace {

Napi::Object Initialize(Napi::Env env, Napi::Object exports) {
  InstallHostAllocator();
  InstallWarnings(env, exports);  // before the environment, whose threads warn until it has ended
  env.AddCleanupHook([](FreeElsewhere* thread) { delete thread; }, new FreeElsewhere);
  env.SetInstanceData(new Environment(env));  // Node owns it from here and deletes it with the environment
  RegisterFields(exports);
  RegisterDevice(exports);
  RegisterCuda(exports);
  RegisterTensor(env, exports);
  RegisterTransfer(exports);
  RegisterOperators(exports);
  RegisterAutograd(exports);
  RegisterRandom(exports);
  RegisterDataset(env, exports);
  RegisterFileList(env, exports);
  RegisterBatches(env, exports);
  RegisterPictures(exports);
  RegisterFolder(exports);
  RegisterPacked(exports);
  RegisterNetwork(env, exports);
  RegisterOptimizer(env, exports);
  RegisterLease(env, exports);
  RegisterProcessGroups(env, exports);
  RegisterTrainer(env, exports);
  RegisterLoss(exports);
  RegisterEvaluation(exports);
  RegisterSweeps(exports);
  RegisterPruning(exports);
  RegisterStatistics(exports);
  RegisterFisher(exports);
  RegisterFilterNorms(exports);
  RegisterMagnitudesPerBit(exports);
  RegisterSharing(exports);
  RegisterLevels(exports);
  RegisterEqual(exports);
  RegisterCounts(exports);
  RegisterNumbers(exports);
  RegisterMemoryFormat(exports);
  RegisterNetworkJobs(exports);
  RegisterSessions(env, exports);
  RegisterCoded(exports);
  return exports;
}

}  // namespace
}  // namespace torch_prune

Napi::Object InitializeAddon(Napi::Env env, Napi::Object exports) {
  return torch_prune::Initialize(env, exports);
}

NODE_API_MODULE(torch_prune, InitializeAddon)
