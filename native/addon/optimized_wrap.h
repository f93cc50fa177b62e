#pragma once

#include <napi.h>

#include <memory>

#include "addon/tracked_wrap.h"
#include "inference/optimized.h"

namespace resnet {

/// An OptimizedResNet in JavaScript (NativeOptimized in lib/native/addon.ts). Only optimize() makes usable ones; the
/// JavaScript constructor makes one that counts as disposed of.
class OptimizedWrap : public TrackedWrap<OptimizedWrap, OptimizedResNet> {
 public:
  static Napi::Function define(Napi::Env env);
  static Napi::Object create(Napi::Env env, std::shared_ptr<OptimizedResNet> optimized);

  using TrackedWrap::TrackedWrap;

 private:
  Napi::Value forward(const Napi::CallbackInfo& info);
  Napi::Value forward_sync(const Napi::CallbackInfo& info);
  Napi::Value explain(const Napi::CallbackInfo& info);
  Napi::Value description(const Napi::CallbackInfo& info);
  Napi::Value ranges(const Napi::CallbackInfo& info);
};

}  // namespace resnet
