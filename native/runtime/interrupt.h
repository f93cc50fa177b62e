#pragma once

#include <atomic>

#include "error.h"
#include "runtime/streams.h"

namespace resnet {

/// Asks a forward to end early. Set from any thread.
using Interrupt = std::atomic<bool>;

/// @throws Error ERR_ABORTED once nobody waits for the forward any more
inline void check_interrupt(const Interrupt& interrupt) {
  if (interrupt || Streams::shared().stopping()) throw Error("ERR_ABORTED", "The forward was aborted.");
}

}  // namespace resnet
