#pragma once

#include <ATen/ATen.h>

#include <cstdint>
#include <vector>

#include "image/normalization.h"
#include "inference/parameters.h"
#include "inference/plan.h"
#include "inference/quantization.h"
#include "runtime/interrupt.h"

namespace resnet {

/// How the range of a value is chosen. kPercentile leaves out the rarest 0.01 % at each end: a single outlier would
/// otherwise stretch the 255 steps that all other numbers share.
enum class CalibrationMethod : std::uint8_t { kMinMax, kPercentile };

/// Runs the plan in float32 over `inputs` (as for Executor::run) and returns the range of each of its values.
/// @throws Error ERR_CALIBRATION if a value is infinite or NaN; ERR_ABORTED
std::vector<Range> calibrate(const Plan& plan, const ParameterSource& source, const std::vector<at::Tensor>& inputs,
                             CalibrationMethod method, const Normalization& normalization, const Interrupt& interrupt);

/// For each value the uint8 quantization that covers its range. Outputs of a ReLU get zero point 0; the input always
/// covers every pixel that a picture can have.
std::vector<QuantParams> quant_params_for(const Plan& plan, const std::vector<Range>& ranges,
                                          const Normalization& normalization);

}  // namespace resnet
