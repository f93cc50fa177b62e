#pragma once

#include <napi.h>

#include "addon/tracked_wrap.h"
#include "training/trainer.h"

namespace resnet {

/// A Trainer in JavaScript (NativeTrainer in lib/native/addon.ts). Only createTrainer makes them.
class TrainerWrap : public TrackedWrap<TrainerWrap, Trainer> {
 public:
  static Napi::Function define(Napi::Env env);

  /// Called with (module, options), as NativeTrainerOptions.
  explicit TrainerWrap(const Napi::CallbackInfo& info);

 private:
  Napi::Value step(const Napi::CallbackInfo& info);
  Napi::Value gradients(const Napi::CallbackInfo& info);
  Napi::Value evaluate(const Napi::CallbackInfo& info);
  Napi::Value state(const Napi::CallbackInfo& info);
  Napi::Value read_state(const Napi::CallbackInfo& info);
  Napi::Value trained(const Napi::CallbackInfo& info);

  /// start_job on the training thread.
  template <class Compute, class Deliver>
  Napi::Object start(Napi::Env env, Compute compute, Deliver deliver) const;

  int threads_ = 0;  ///< of each step; 0 for all usable cores
};

}  // namespace resnet
