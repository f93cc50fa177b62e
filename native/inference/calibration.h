#pragma once

#include <ATen/ATen.h>

#include <cstdint>
#include <vector>

#include "inference/normalization.h"
#include "inference/packed.h"
#include "inference/plan.h"
#include "runtime/interrupt.h"

namespace resnet {

/// The numbers that a value takes.
struct Range {
  float least = 0, most = 0;
};

/// How a range is found. By percentile, the rarest 0.01 % at each end are left out: an outlier would make the
/// steps between the 256 elements wide for all the others.
enum class CalibrationMethod : std::uint8_t { kMinMax, kPercentile };

/// The ranges of a plan's values over `inputs` (as Executor::run takes them), by value.
/// @throws Error ERR_CALIBRATION where one is infinite or no number
std::vector<Range> calibrate(const Plan& plan, const std::vector<at::Tensor>& inputs, CalibrationMethod method,
                             const Normalization& normalization, const Interrupt& interrupt);

/// uint8 elements for these ranges. Where nothing is negative, 0 stands for 0 and all steps are above it.
std::vector<QuantParams> quant_params_for(const Plan& plan, const std::vector<Range>& ranges,
                                          const Normalization& normalization);

}  // namespace resnet
