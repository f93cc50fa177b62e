#pragma once

#include <napi.h>

#include "image/augment.h"

namespace resnet {

/// NativeAugmentPlan. Whether its boxes lie within their pictures is left to augment().
/// @throws Error ERR_ARGUMENT, naming the argument
AugmentPlan augment_plan_from_js(const Napi::Value& value);

}  // namespace resnet
