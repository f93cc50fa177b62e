#pragma once

#include <napi.h>

#include <cstdint>
#include <memory>
#include <utility>

#include "error.h"

namespace resnet {

/// Base of the JavaScript classes that wrap a native object. It owns the object and reports its memory to V8, whose
/// garbage collector sees only the small wrapper. Used on the JavaScript thread; jobs have their own shared pointers.
template <class Self, class T>
class TrackedWrap : public Napi::ObjectWrap<Self> {
 public:
  using Napi::ObjectWrap<Self>::ObjectWrap;

  /// Not in Finalize(): node-addon-api calls that only where the class itself, not a base, declares it.
  ~TrackedWrap() override { release(this->Env()); }

 protected:
  /// To be called once.
  void set_object(Napi::BasicEnv env, std::shared_ptr<T> object, int64_t bytes) {
    object_ = std::move(object);
    tracked_bytes_ = bytes;
    Napi::MemoryManagement::AdjustExternalMemory(env, tracked_bytes_);
  }

  /// @throws Error ERR_DISPOSED
  const std::shared_ptr<T>& object() const {
    if (!object_) throw Error("ERR_DISPOSED", "The network was disposed of.");
    return object_;
  }

  [[nodiscard]] bool is_disposed() const { return object_ == nullptr; }

  /// The JavaScript method dispose(). Jobs in flight keep the object until they are done.
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
