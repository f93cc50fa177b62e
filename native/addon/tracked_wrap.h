#pragma once

#include <napi.h>

#include <cstdint>
#include <memory>
#include <utility>

#include "error.h"

namespace resnet {

/// The base of the JavaScript classes in front of a native object: owns it, and tells V8's collector how much memory
/// stands behind the small JavaScript object. On the JavaScript thread; jobs have shared pointers of their own.
template <class Self, class T>
class TrackedWrap : public Napi::ObjectWrap<Self> {
 public:
  using Napi::ObjectWrap<Self>::ObjectWrap;

  /// Not in Finalize(): node-addon-api calls that only where the class itself, not a base, declares it.
  ~TrackedWrap() override { release(this->Env()); }

 protected:
  /// To be called once.
  void own(Napi::BasicEnv env, std::shared_ptr<T> object, int64_t bytes) {
    object_ = std::move(object);
    tracked_bytes_ = bytes;
    Napi::MemoryManagement::AdjustExternalMemory(env, tracked_bytes_);
  }

  /// @throws Error ERR_DISPOSED
  const std::shared_ptr<T>& object() const {
    if (!object_) throw Error("ERR_DISPOSED", "The network was disposed of.");
    return object_;
  }

  /// The method of that name. Jobs in flight keep the object until they are done.
  Napi::Value dispose(const Napi::CallbackInfo& info) {
    release(info.Env());
    return info.Env().Undefined();
  }

 private:
  void release(Napi::BasicEnv env) {
    object_.reset();
    if (tracked_bytes_ != 0) Napi::MemoryManagement::AdjustExternalMemory(env, -std::exchange(tracked_bytes_, 0));
  }

  std::shared_ptr<T> object_;
  int64_t tracked_bytes_ = 0;
};

}  // namespace resnet
