#pragma once

#include <ATen/ATen.h>
#include <napi.h>

#include <string>
#include <vector>

namespace resnet {

/// @throws Error ERR_DTYPE if lib/tensor.ts has no dtype of that name
at::ScalarType dtype_named(const std::string& name);

const char* name_of(at::ScalarType dtype);

/// Copies { dtype, shape, data }: the caller may change its array as soon as this returns.
/// @throws Error ERR_DTYPE, ERR_SHAPE
at::Tensor tensor_from_js(const Napi::Value& value);

/// A forward's input.
struct Input {
  at::Tensor x;
  Napi::Object keep_alive;  ///< if `x` uses JavaScript's memory: the object that must not be collected meanwhile
};

/// Like tensor_from_js, but if `value.inPlace` is true, uses the array without a copy. The caller must then neither
/// change nor detach it before the job is done.
Input input_from_js(const Napi::Value& value);

/// Copies a contiguous CPU tensor into memory that JavaScript owns.
Napi::Object tensor_to_js(Napi::Env env, const at::Tensor& tensor);

/// Moves a contiguous CPU tensor to JavaScript. Copying a large one would block the event loop, so it becomes an
/// external array buffer if nothing else refers to it and the runtime allows that. Node can clone such a buffer for
/// another thread, but not transfer it.
Napi::Object move_to_js(Napi::Env env, at::Tensor tensor);

Napi::Array shape_to_js(Napi::Env env, at::IntArrayRef shape);

/// Pictures in JavaScript's memory, used without a copy, because a photograph may have tens of megabytes.
struct Pictures {
  std::vector<at::Tensor> views;  ///< uint8 [height, width, 3]
  Napi::Array owners;             ///< to be kept alive for as long as the views are used
};

/// @param value a list of { data: Uint8Array, width, height }, which the caller neither changes nor detaches meanwhile
Pictures pictures_from_js(const Napi::Value& value);

/// Frees the memory of a typed array that is no longer used, by detaching it as a transfer would. If V8 freed them,
/// large buffers would cause a full garbage collection every few megabytes. Does nothing if the memory may be shared (a
/// slab of Node's pool, a SharedArrayBuffer, WebAssembly memory).
void discard_bytes(const Napi::Value& value);

}  // namespace resnet
