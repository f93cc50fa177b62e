#pragma once

#include <ATen/ATen.h>

#include <cstdint>

#include "inference/plan.h"
#include "runtime/interrupt.h"

namespace resnet {

/// Runs a plan. Several threads may run one at a time; an executor never changes once it is made.
class Executor {
 public:
  virtual ~Executor() = default;

  /// @param x on the CPU: float32 [N, 3, H, W], or uint8 [N, H, W, 3], which is normalized on the way
  /// @returns float32 on the CPU, contiguous
  /// @throws Error ERR_ABORTED
  virtual at::Tensor run(const at::Tensor& x, OutputPoint until, const Interrupt& interrupt) = 0;

  /// Whether its threads are a IntraOpPool's, which forwards at the same time share (IntraOpPool::share_cores).
  [[nodiscard]] virtual bool shares_cores() const = 0;

  /// Memory of the weights.
  [[nodiscard]] virtual int64_t bytes() const = 0;
};

}  // namespace resnet
