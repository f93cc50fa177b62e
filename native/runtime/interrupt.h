#pragma once

#include <atomic>

#include "error.h"
#include "runtime/inference_threads.h"

namespace resnet {

/// Asks a forward to end early. Set from any thread.
using Interrupt = std::atomic<bool>;

/// @throws Error ERR_ABORTED once nobody waits for the forward any more
inline void check_interrupt(const Interrupt& interrupt) {
  if (interrupt || InferenceThreads::shared().stopping()) throw Error("ERR_ABORTED", "The forward was aborted.");
}

}  // namespace resnet
