#pragma once

#include <ATen/ATen.h>
#include <napi.h>

#include <functional>

#include "runtime/inference_threads.h"
#include "runtime/network.h"

namespace resnet {

/// Threads that one computation may be given.
inline constexpr int64_t kMaxThreads = 1024;

/// Runs on an inference thread. What it captures is destroyed there, before the result is handed over.
using Compute = std::function<at::Tensor(const Interrupt&)>;

/// Makes what JavaScript gets of the result, on the JavaScript thread.
using Deliver = std::function<Napi::Value(Napi::Env, const at::Tensor&)>;

/// Queues `compute` and returns { promise, cancel }. The promise is settled once, on the JavaScript thread, and
/// keeps the event loop alive until then.
/// @param threads inside the computation; 0 for the default
/// @param deliver the tensor itself by default
/// @param keep what JavaScript's collector must not take before the computation is done
/// @param queue whose thread computes
Napi::Object start_job(Napi::Env env, Compute compute, int threads = 0, Deliver deliver = nullptr,
                       Napi::Object keep = {}, InferenceThreads& queue = InferenceThreads::shared());

/// The same, waiting for the result: blocks the calling JavaScript thread.
at::Tensor run_job(Compute compute, int threads = 0);

}  // namespace resnet
