#include <c10/core/InferenceMode.h>

#include <cstring>

#include "../base/arguments.h"
#include "../base/environment.h"
#include "../base/fields.h"
#include "../network/claim.h"
#include "../tensor/tensor.h"
#include "session.h"

// What lib/ asks of sessions.
namespace torch_prune {
namespace {

const auto kSessionFields = Fields<Session::Options>(
    "session", Field("batch", &Session::Options::batch).AtLeast(1),
    Field("threads", &Session::Options::threads).Within(1, 1024),
    Field("concurrency", &Session::Options::concurrency).Within(1, 1024),
    Field("inputShape", &Session::Options::input_shape), Field("forms", &Session::Options::forms),
    Field("chosen", &Session::Options::chosen), Field("mean", &Session::Options::mean),
    Field("std", &Session::Options::std), Field("autocast", &Session::Options::autocast).Optional());

Napi::Float32Array ToArray(Napi::Env env, const std::vector<float>& values) {
  auto array = Napi::Float32Array::New(env, values.size());
  if (!values.empty()) std::memcpy(array.Data(), values.data(), values.size() * sizeof(float));
  return array;
}

Napi::Object Described(Napi::Env env, const std::shared_ptr<Session>& session) {
  auto layers = Napi::Array::New(env);
  for (const auto& measured : session->plan().measured()) {
    auto layer = Napi::Object::New(env);
    layer.Set("name", measured.layer);
    layer.Set("weights", measured.weights);
    layer.Set("kept", measured.kept);
    layer.Set("form", measured.form);
    auto times = Napi::Object::New(env);
    for (const auto& [form, milliseconds] : measured.times) times.Set(form, milliseconds);
    layer.Set("milliseconds", times);
    layers.Set(layers.Length(), layer);
  }
  auto shape = Napi::Array::New(env);
  for (const auto size : session->output_shape()) shape.Set(shape.Length(), static_cast<double>(size));
  auto described = Napi::Object::New(env);
  described.Set("session", SessionHandle::Wrap(env, session));
  described.Set("outputShape", shape);
  described.Set("layers", layers);
  described.Set("milliseconds", session->milliseconds());
  described.Set("bytes", static_cast<double>(session->plan().bytes()));
  return described;
}

// sessionCompileStart(network, options): {session, outputShape, layers, milliseconds, bytes}. The session has
// the network's layers as they are now: nobody else may go on with them.
Napi::Value Compile(const Napi::CallbackInfo& info) {
  auto& environment = Environment::Of(info.Env());
  auto options = kSessionFields.Read(info[1], "options");
  const auto network = ReadNetwork(info[0]);
  const auto job = environment.aside.NewJob(info.Env());
  ClaimNetwork(environment, *job, *network, Access::kRead, {"compile()", {}, {}});
  const auto session = std::make_shared<std::shared_ptr<Session>>();
  job->run = [session, options = std::move(options), network](Job& running) mutable {
    network->Draw();
    *session =
        std::make_shared<Session>(*network, std::move(options), [&running] { return running.Cancelled(); });
  };
  job->finish = [session](Napi::Env env) -> Napi::Value { return Described(env, *session); };
  return environment.aside.Start(info.Env(), job);
}

// Samples for a session: floats, or bytes, whole ones and no more than a batch.
struct Samples {
  std::vector<float> floats;
  std::vector<std::uint8_t> bytes;

  std::vector<float> Through(Session& session, std::size_t lane) const {
    return bytes.empty() ? session.Run(lane, std::span(floats)) : session.Run(lane, std::span(bytes));
  }
};

void CheckCount(const Session& session, std::size_t count) {
  const auto size = static_cast<std::size_t>(session.sample_size());
  if (count > 0 && count % size == 0 && count / size <= static_cast<std::size_t>(session.options().batch))
    return;
  throw Error("ERR_SHAPE", "samples have " + std::to_string(size) + " numbers each, and at most " +
                               std::to_string(session.options().batch) + " of them are a batch, got " +
                               std::to_string(count) + " numbers");
}

Samples ToSamples(const Session& session, const Napi::Value& value) {
  if (!value.IsTypedArray()) {
    throw Error("ERR_ARGUMENT", "samples must be a Float32Array or a Uint8Array");
  }
  const auto type = value.As<Napi::TypedArray>().TypedArrayType();
  const auto bytes = BytesOf(value, "samples");
  if (type == napi_float32_array) {
    CheckCount(session, bytes.size() / sizeof(float));
    Samples samples;
    samples.floats.resize(bytes.size() / sizeof(float));
    std::memcpy(samples.floats.data(), bytes.data(), bytes.size());
    return samples;
  }
  if (type != napi_uint8_array && type != napi_uint8_clamped_array) {
    throw Error("ERR_ARGUMENT", "samples must be a Float32Array or a Uint8Array");
  }
  if (!session.takes_bytes()) {
    throw Error("ERR_ARGUMENT",
                "samples of bytes need a mean and std: give them to compile, or a Float32Array here");
  }
  CheckCount(session, bytes.size());
  return {.floats = {}, .bytes = {bytes.begin(), bytes.end()}};
}

// sessionRunStart(session, samples): Float32Array, of the outputs.
Napi::Value RunStart(const Napi::CallbackInfo& info) {
  auto& environment = Environment::Of(info.Env());
  const auto session = SessionHandle::Get(info[0], "session");
  auto samples = ToSamples(*session, info[1]);
  // Over when the job is: the main thread lets go of it then.
  const auto call = std::make_shared<Session::Call>(session);
  auto& thread = environment.Inference(info.Env(), call->lane());
  const auto job = thread.NewJob(info.Env());
  const auto output = std::make_shared<std::vector<float>>();
  job->run = [session, output, samples = std::move(samples), lane = call->lane()](Job&) {
    *output = samples.Through(*session, lane);
  };
  job->finish = [output, call](Napi::Env env) -> Napi::Value { return ToArray(env, *output); };
  return thread.Start(info.Env(), job);
}

// sessionRun(session, samples): the same, at once.
Napi::Value Run(const Napi::CallbackInfo& info) {
  const auto session = SessionHandle::Get(info[0], "session");
  const Session::Call call(session);
  return ToArray(info.Env(), ToSamples(*session, info[1]).Through(*session, call.lane()));
}

// sessionFoldedStart(session): [{layer, weight, bias?, affine}], the products as they run.
Napi::Value FoldedStart(const Napi::CallbackInfo& info) {
  auto& environment = Environment::Of(info.Env());
  const auto session = SessionHandle::Get(info[0], "session");
  const auto job = environment.aside.NewJob(info.Env());
  const auto folded = std::make_shared<std::vector<Plan::Folded>>();
  job->run = [session, folded](Job&) {
    {
      const c10::InferenceMode inference;
      *folded = session->plan().folded();
    }
    // Copies, which autograd may take.
    for (auto& each : *folded) {
      const auto copied = [](const at::Tensor& tensor) {
        return tensor.to(at::kCPU, at::kFloat, /*non_blocking=*/false, /*copy=*/true,
                         at::MemoryFormat::Contiguous);
      };
      each.weight = copied(each.weight);
      if (each.bias.defined()) each.bias = copied(each.bias);
    }
  };
  job->finish = [folded](Napi::Env env) -> Napi::Value {
    auto list = Napi::Array::New(env);
    for (const auto& product : *folded) {
      auto entry = Napi::Object::New(env);
      entry.Set("layer", product.layer);
      entry.Set("weight", Wrap(env, product.weight));
      if (product.bias.defined()) entry.Set("bias", Wrap(env, product.bias));
      auto affine = Napi::Array::New(env);
      for (const auto& name : product.affine) affine.Set(affine.Length(), name);
      entry.Set("affine", affine);
      list.Set(list.Length(), entry);
    }
    return list;
  };
  return environment.aside.Start(info.Env(), job);
}

Napi::Value Dispose(const Napi::CallbackInfo& info) {
  SessionHandle::Dispose(info[0]);
  return info.Env().Undefined();
}

}  // namespace

void RegisterSessions(Napi::Env env, Napi::Object exports) {
  SessionHandle::Register(env);
  Export<Compile>(exports, "sessionCompileStart");
  Export<RunStart>(exports, "sessionRunStart");
  Export<Run>(exports, "sessionRun");
  Export<FoldedStart>(exports, "sessionFoldedStart");
  Export<Dispose>(exports, "sessionDispose");
}

}  // namespace torch_prune
