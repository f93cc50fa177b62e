#pragma once

#include <napi.h>

#include <functional>
#include <optional>
#include <type_traits>
#include <utility>

#include "runtime/inference_threads.h"
#include "runtime/interrupt.h"

namespace resnet {

/// Makes the promise's value, on the JavaScript thread.
using Delivery = std::function<Napi::Value(Napi::Env)>;

/// Runs on an inference thread. Its captures are destroyed there, before the result is delivered.
using DeliveringWork = std::function<Delivery(const Interrupt&)>;

/// start_job without its types: the work returns a function that makes the promise's value.
Napi::Object start_delivering_job(Napi::Env env, DeliveringWork work, int threads, Napi::Object keep_alive,
                                  InferenceThreads& queue);

/// Runs `work` on an inference thread and blocks until it is done.
/// @throws what `work` throws; Error ERR_ABORTED if the process ends first
void run_and_wait(std::function<void(const Interrupt&)> work, int threads, InferenceThreads& queue);

/// Queues `compute` for an inference thread and returns { promise, cancel }. The promise is settled once, on the
/// JavaScript thread, and keeps the event loop alive until then. Jobs of an environment that has ended are dropped.
///
/// @param compute (const Interrupt&) -> T, on the inference thread
/// @param deliver (Napi::Env, T) -> Napi::Value, on the JavaScript thread; what it throws rejects the promise
/// @param threads that the computation may use; 0 for the default
/// @param keep_alive JavaScript objects that must not be collected before the computation is done
/// @param queue the threads that run it
template <class Compute, class Deliver>
Napi::Object start_job(Napi::Env env, Compute compute, Deliver deliver, int threads = 0, Napi::Object keep_alive = {},
                       InferenceThreads& queue = InferenceThreads::shared()) {
  return start_delivering_job(
      env,
      [compute = std::move(compute), deliver = std::move(deliver)](const Interrupt& interrupt) mutable -> Delivery {
        return [deliver = std::move(deliver), result = compute(interrupt)](Napi::Env env) mutable -> Napi::Value {
          return deliver(env, std::move(result));
        };
      },
      threads, keep_alive, queue);
}

/// The same, blocking the calling JavaScript thread until the result is there.
template <class Compute>
auto run_job(Compute compute, int threads = 0, InferenceThreads& queue = InferenceThreads::shared()) {
  std::optional<std::invoke_result_t<Compute&, const Interrupt&>> result;
  run_and_wait([&result, compute = std::move(compute)](
                   const Interrupt& interrupt) mutable { result.emplace(compute(interrupt)); },
               threads, queue);
  return *std::move(result);
}

}  // namespace resnet
