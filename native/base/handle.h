#pragma once
#include <napi.h>

#include <cstdint>
#include <memory>
#include <string>
#include <utility>

#include "environment.h"
#include "errors.h"

namespace torch_prune {

// JavaScript's reference to a native object: opaque, disposable, and garbage-collected if forgotten. `State`
// defines its name (kName) and a unique number (kTag). Type tags make unwrapping safe: an object of another
// class, or one with a forged prototype, results in an error and not in a wild pointer.
template <typename State>
class Handle : public Napi::ObjectWrap<Handle<State>> {
 public:
  static void Register(Napi::Env env) {
    Environment::Of(env).classes[State::kTag] = Napi::Persistent(Handle::DefineClass(env, State::kName, {}));
  }

  static Napi::Object Wrap(Napi::Env env, std::shared_ptr<State> state) {
    // The constructor gets the state through an External, so scripts cannot make a handle themselves.
    auto external = Napi::External<std::shared_ptr<State>>::New(env, &state);
    return Environment::Of(env).classes[State::kTag].New({external});
  }

  static bool Is(const Napi::Value& value) {
    const napi_type_tag tag = Tag();
    return value.IsObject() && value.As<Napi::Object>().CheckTypeTag(&tag);
  }

  // Holds on to the state: what runs while other arguments are read may dispose of the handle.
  static std::shared_ptr<State> Get(const Napi::Value& value, const char* what) {
    const auto& state = Of(value, what).state_;
    if (!state)
      throw Error("ERR_DISPOSED", std::string(what) + ": this " + State::kName + " was disposed of");
    return state;
  }

  static bool Disposed(const Napi::Value& value) { return Of(value, "handle").state_ == nullptr; }
  static void Dispose(const Napi::Value& value) { Of(value, "handle").state_.reset(); }

  explicit Handle(const Napi::CallbackInfo& info) : Napi::ObjectWrap<Handle<State>>(info) {
    if (info.Length() != 1 || !info[0].IsExternal()) {
      throw Napi::TypeError::New(info.Env(), std::string("a ") + State::kName + " is not made with new");
    }
    state_ = *info[0].As<Napi::External<std::shared_ptr<State>>>().Data();
    const napi_type_tag tag = Tag();
    info.This().As<Napi::Object>().TypeTag(&tag);
  }

 private:
  static napi_type_tag Tag() { return {0x746f7263682d7072, State::kTag}; }

  static Handle& Of(const Napi::Value& value, const char* what) {
    if (!Is(value)) throw Error("ERR_ARGUMENT", std::string(what) + " must be a " + State::kName);
    return *Napi::ObjectWrap<Handle<State>>::Unwrap(value.As<Napi::Object>());
  }

  std::shared_ptr<State> state_;
};

}  // namespace torch_prune
