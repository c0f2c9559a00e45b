#include "errors.h"

#include <c10/util/Exception.h>

#include <algorithm>
#include <array>
#include <new>
#include <string_view>

#include "environment.h"

namespace torch_prune {
namespace {

// libtorch has one exception class for nearly everything, so only its wording distinguishes errors.
struct Wording {
  std::string_view part;
  const char* code;
};
constexpr std::array kWordings{
    Wording{"can't allocate memory", "ERR_MEMORY"},
    Wording{"out of memory", "ERR_MEMORY"},
    Wording{"not enough memory", "ERR_MEMORY"},
    Wording{"Storage size calculation overflowed", "ERR_MEMORY"},
    Wording{"expected scalar type", "ERR_DTYPE"},
    Wording{"same dtype", "ERR_DTYPE"},
    Wording{"not implemented for '", "ERR_DTYPE"},
    Wording{"can't be cast to the desired output type", "ERR_DTYPE"},
    Wording{"expected m1 and m2 to have the same", "ERR_DTYPE"},
    Wording{"on the same device", "ERR_DEVICE"},
    Wording{"CUDA", "ERR_DEVICE"},
    Wording{"shape", "ERR_SHAPE"},
    Wording{"size", "ERR_SHAPE"},
    Wording{"dimension", "ERR_SHAPE"},
    Wording{"Dimension", "ERR_SHAPE"},
};

const char* CodeFor(std::string_view message) {
  for (const auto& wording : kWordings) {
    if (message.find(wording.part) != std::string_view::npos) return wording.code;
  }
  return "ERR_TORCH";
}

std::string OneLine(std::string_view text) {
  // Backtraces and "Exception raised from" trailers follow the first blank line or the second line.
  auto end = text.find("\nException raised from");
  if (end != std::string_view::npos) text = text.substr(0, end);
  std::string line;
  line.reserve(text.size());
  for (char c : text) {
    const char plain = (c == '\n' || c == '\r' || c == '\t') ? ' ' : c;
    if (plain == ' ' && (line.empty() || line.back() == ' ')) continue;
    line.push_back(plain);
  }
  while (!line.empty() && line.back() == ' ') line.pop_back();
  constexpr std::size_t kLongest = 400;
  if (line.size() > kLongest) line = line.substr(0, kLongest) + "…";
  return line;
}

}  // namespace

Failure Describe(const std::exception_ptr& exception) {
  try {
    std::rethrow_exception(exception);
  } catch (const Error& error) {
    return {error.code(), OneLine(error.what())};
  } catch (const c10::Error& error) {
    const std::string message = OneLine(error.what_without_backtrace());
    return {CodeFor(message), message};
  } catch (const std::bad_alloc&) {
    return {"ERR_MEMORY", "out of memory"};
  } catch (const std::exception& error) {
    const std::string message = OneLine(error.what());
    return {CodeFor(message), message};
  } catch (...) {
    return {"ERR_TORCH", "an exception of unknown type in native code"};
  }
}

Napi::Error ToJavaScript(Napi::Env env, const Failure& failure) {
  const auto& error_class = Environment::Of(env).error_class;
  if (!error_class.IsEmpty()) {
    try {
      return Napi::Error(env, error_class.New({Napi::String::New(env, failure.code),
                                               Napi::String::New(env, failure.message)}));
    } catch (const Napi::Error&) {
      // The class failed to make an error, but the original failure must still be reported.
    }
  }
  auto error = Napi::Error::New(env, failure.message);
  error.Value().Set("code", failure.code);
  return error;
}

}  // namespace torch_prune
