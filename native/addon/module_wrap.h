#pragma once

#include <napi.h>

#include "addon/tracked_wrap.h"
#include "runtime/network.h"

namespace resnet {

/// A Network in JavaScript (NativeModule in lib/native/addon.ts). Only createModule makes them.
class ModuleWrap : public TrackedWrap<ModuleWrap, Network> {
 public:
  static Napi::Function define(Napi::Env env);

  /// @throws Error ERR_ARGUMENT if `value` is no NativeModule; ERR_DISPOSED
  static std::shared_ptr<Network> network_of(const Napi::Value& value);

  /// Called with (spec, options), as NativeModuleSpec and NativeModuleOptions.
  explicit ModuleWrap(const Napi::CallbackInfo& info);

 private:
  Napi::Value forward(const Napi::CallbackInfo& info);
  Napi::Value forward_sync(const Napi::CallbackInfo& info);
  Napi::Value forward_features(const Napi::CallbackInfo& info);
  Napi::Value stages(const Napi::CallbackInfo& info);
  Napi::Value optimize(const Napi::CallbackInfo& info);
  Napi::Value train(const Napi::CallbackInfo& info);
  Napi::Value training(const Napi::CallbackInfo& info);
  Napi::Value to(const Napi::CallbackInfo& info);
  Napi::Value device(const Napi::CallbackInfo& info);
  Napi::Value state_spec(const Napi::CallbackInfo& info);
  Napi::Value state_dict(const Napi::CallbackInfo& info);
  Napi::Value load_state(const Napi::CallbackInfo& info);
  Napi::Value read_state(const Napi::CallbackInfo& info);
  Napi::Value trace(const Napi::CallbackInfo& info);
  /// @throws ERR_BUSY while a trainer has the network
  Napi::Value dispose(const Napi::CallbackInfo& info);
};

}  // namespace resnet
