#pragma once

#include <ATen/ATen.h>

#include <cstdint>
#include <string>

#include "inference/plan.h"
#include "runtime/interrupt.h"

namespace resnet {

/// Runs a plan with one kind of kernels on one device. run() may be called from several threads at the same time.
class Executor {
 public:
  virtual ~Executor() = default;

  /// @param x on the CPU: float32 [N, 3, H, W], or uint8 [N, H, W, 3], which is normalized on the way
  /// @returns float32 on the CPU, contiguous; its shape is in OutputPoint
  /// @throws Error ERR_ABORTED once `interrupt` is set, at the latest after the step that is running
  virtual at::Tensor run(const at::Tensor& x, OutputPoint output, const Interrupt& interrupt) = 0;

  /// For people, e.g. "AVX-512 BF16" or "libtorch, cuda:0".
  [[nodiscard]] virtual std::string name() const = 0;

  /// Whether it computes on the calling thread's IntraOpPool, so that concurrent forwards split the cores
  /// (IntraOpPool::share_cores).
  [[nodiscard]] virtual bool shares_cores() const = 0;

  /// Memory of the parameters, in bytes.
  [[nodiscard]] virtual int64_t bytes() const = 0;
};

}  // namespace resnet
