#pragma once

#include <atomic>

#include "error.h"
#include "runtime/inference_threads.h"

namespace resnet {

/// Set to true, from any thread, to end a forward early.
using Interrupt = std::atomic<bool>;

/// @throws Error ERR_ABORTED if `interrupt` is set or the process is ending
inline void check_interrupt(const Interrupt& interrupt) {
  if (interrupt || InferenceThreads::shared().stopping()) throw Error("ERR_ABORTED", "The forward was aborted.");
}

}  // namespace resnet
