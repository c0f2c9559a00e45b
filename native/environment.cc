#include "environment.h"

namespace torch_prune {

Environment::Environment(Napi::Env env)
    : compute(env), accounts(std::make_shared<TensorAccounts>()), main_thread_(std::this_thread::get_id()) {
  // Cleanup hooks run last in, first out: this one joins the thread while its way back to Node still stands.
  env.AddCleanupHook([](ComputeThread* thread) { thread->Stop(); }, &compute);
}

Environment::~Environment() = default;

}  // namespace torch_prune
