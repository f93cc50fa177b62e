#pragma once

#include <napi.h>

#include <memory>

#include "runtime/network.h"

namespace resnet {

// Jobs that look inside a ResNet: forwardFeatures and stages of NativeModule in lib/addon.ts. As
// start_job's, their promises are settled once.

/// @param x the argument of that name
/// @param threads the argument of that name, 0 for the default
/// @throws Error ERR_ARGUMENT where `network` is a block; ERR_SHAPE
Napi::Object start_features(Napi::Env env, const std::shared_ptr<Network>& network, const Napi::Value& x,
                            const Napi::Value& threads);
Napi::Object start_stages(Napi::Env env, const std::shared_ptr<Network>& network, const Napi::Value& x,
                          const Napi::Value& threads);

}  // namespace resnet
