#pragma once

#include <napi.h>

#include <memory>
#include <vector>

#include "image/preprocess.h"
#include "runtime/network.h"

namespace resnet {

/// The JavaScript face of a Network (NativeModule in lib/addon.ts). Made by createModule alone.
class Module : public Napi::ObjectWrap<Module> {
 public:
  static Napi::Function define(Napi::Env env);

  /// Called with (spec, options), as NativeModuleSpec and NativeModuleOptions.
  explicit Module(const Napi::CallbackInfo& info);
  void Finalize(Napi::BasicEnv env) override;

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
  Napi::Value dispose(const Napi::CallbackInfo& info);

  /// @throws Error ERR_DISPOSED
  const std::shared_ptr<Network>& network() const;
  void release(Napi::BasicEnv env);

  std::shared_ptr<Network> network_;
  int64_t reported_ = 0;  ///< bytes that V8's collector has been told of
};

/// The argument of that name.
Preprocess preprocess_from_js(const Napi::Value& value);

}  // namespace resnet
