#pragma once
#include <napi.h>

namespace torch_prune {

// The work over whole datasets, on the compute thread.
void RegisterTrainer(Napi::Env env, Napi::Object exports);
void RegisterLoss(Napi::Object exports);
void RegisterEvaluation(Napi::Object exports);
void RegisterSweeps(Napi::Object exports);
void RegisterPruning(Napi::Object exports);
void RegisterStatistics(Napi::Object exports);
void RegisterFisher(Napi::Object exports);
void RegisterFilterNorms(Napi::Object exports);
void RegisterMagnitudesPerBit(Napi::Object exports);
void RegisterNumbers(Napi::Object exports);
void RegisterMemoryFormat(Napi::Object exports);
void RegisterNetworkJobs(Napi::Object exports);

}  // namespace torch_prune
