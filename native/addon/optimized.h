#pragma once

#include <napi.h>

#include <memory>

#include "inference/optimized.h"
#include "runtime/network.h"

namespace resnet {

/// The JavaScript face of an Optimized (NativeOptimized in lib/addon.ts). Made by optimize() alone.
class OptimizedModule : public Napi::ObjectWrap<OptimizedModule> {
 public:
  static Napi::Function define(Napi::Env env);

  /// Called with an External of a shared_ptr<Optimized>.
  explicit OptimizedModule(const Napi::CallbackInfo& info);
  void Finalize(Napi::BasicEnv env) override;

 private:
  Napi::Value forward(const Napi::CallbackInfo& info);
  Napi::Value forward_sync(const Napi::CallbackInfo& info);
  Napi::Value forward_pictures(const Napi::CallbackInfo& info);
  Napi::Value explain(const Napi::CallbackInfo& info);
  Napi::Value description(const Napi::CallbackInfo& info);
  Napi::Value ranges(const Napi::CallbackInfo& info);
  Napi::Value dispose(const Napi::CallbackInfo& info);

  /// @throws Error ERR_DISPOSED
  const std::shared_ptr<Optimized>& optimized() const;
  void release(Napi::BasicEnv env);

  std::shared_ptr<Optimized> optimized_;
  int64_t reported_ = 0;
};

/// Starts optimizing: { promise of a NativeOptimized, cancel }.
Napi::Object start_optimize(Napi::Env env, const std::shared_ptr<Network>& network, const Napi::Value& options);

/// Starts measuring what a matrix product in (dtype, threads) reaches: operations per second, a float64 tensor of one.
Napi::Object start_peak(Napi::Env env, const Napi::Value& dtype, const Napi::Value& threads);

}  // namespace resnet
