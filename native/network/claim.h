#pragma once
#include "network.h"

namespace torch_prune {

enum class Access { kRead, kWrite };

// Gives a job the network, and what else it uses; ERR_BUSY where another one is in the way.
void ClaimNetwork(Environment& environment, Job& job, const Network& network, Access access, Use use);

void RegisterLease(Napi::Env env, Napi::Object exports);

}  // namespace torch_prune
