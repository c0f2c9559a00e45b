#pragma once
#include <coroutine>
#include <exception>
#include <utility>

namespace torch_prune {

// Work in slices: a coroutine that calls `co_await kHandOver` between its steps, where other jobs may get a
// turn on its thread. Thread state that a step sets (grad mode, autocast, deferred seals) must end before
// that: a guard that is still alive at a hand-over would affect the next job.
class Slices {
 public:
  struct promise_type {
    std::exception_ptr failure;

    Slices get_return_object() { return Slices(std::coroutine_handle<promise_type>::from_promise(*this)); }
    static std::suspend_always initial_suspend() noexcept { return {}; }
    static std::suspend_always final_suspend() noexcept { return {}; }
    void return_void() noexcept {}
    void unhandled_exception() noexcept { failure = std::current_exception(); }
  };

  Slices(Slices&& other) noexcept : coroutine_(std::exchange(other.coroutine_, nullptr)) {}
  Slices& operator=(Slices&&) = delete;
  Slices(const Slices&) = delete;
  Slices& operator=(const Slices&) = delete;
  ~Slices() {
    if (coroutine_) coroutine_.destroy();
  }

  // Runs the work up to the next hand-over; returns false when it is done. Throws what the work throws.
  bool Next() {
    coroutine_.resume();
    if (coroutine_.promise().failure) std::rethrow_exception(coroutine_.promise().failure);
    return !coroutine_.done();
  }

 private:
  explicit Slices(std::coroutine_handle<promise_type> coroutine) : coroutine_(coroutine) {}

  std::coroutine_handle<promise_type> coroutine_;
};

constexpr std::suspend_always kHandOver{};

}  // namespace torch_prune
