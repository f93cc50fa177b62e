#pragma once

#include <napi.h>

#include <cstdint>
#include <string>

#include "image/preprocess.h"
#include "inference/optimized.h"
#include "runtime/network.h"
#include "training/trainer.h"

namespace resnet {

// Parse and check options, which lib/native/addon.ts types. Each function throws Error ERR_ARGUMENT, naming the
// argument, unless its comment names another code.

/// NativeModuleSpec
Spec spec_from_js(const Napi::Value& value);

/// NativeModuleOptions
struct ModuleOptions {
  std::string device;
  uint64_t seed;  ///< random if none was passed
  bool initialize;
};
ModuleOptions module_options_from_js(const Napi::Value& value);

/// NativeOptimizeOptions
/// @throws Error ERR_UNSUPPORTED_DTYPE, ERR_CALIBRATION, ERR_SHAPE
OptimizeOptions optimize_options_from_js(const Napi::Value& value);

/// NativeTrainerOptions, without its threads
TrainerOptions trainer_options_from_js(const Napi::Value& value);

/// 'float32', 'bfloat16' or 'int8'
/// @throws Error ERR_UNSUPPORTED_DTYPE
OptimizeOptions::DType optimized_dtype_from_js(const Napi::Value& value);

/// 'bilinear' or 'bicubic'
Interpolation interpolation_from_js(const Napi::Value& value);

/// NativeResizeOptions
Preprocess preprocess_from_js(const Napi::Value& value);

/// Threads that one computation may use, up to 1,024; 0 for the default.
int threads_from_js(const Napi::Value& value);

}  // namespace resnet
