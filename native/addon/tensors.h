#pragma once

#include <ATen/ATen.h>
#include <napi.h>

#include <string>
#include <vector>

namespace resnet {

/// @throws Error ERR_DTYPE if the name is none of lib/tensor.ts
at::ScalarType dtype_named(const std::string& name);

const char* name_of(at::ScalarType dtype);

/// Copies { dtype, shape, data }: the caller may change its array as soon as this returns.
/// @throws Error ERR_DTYPE, ERR_SHAPE
at::Tensor tensor_from_js(const Napi::Value& value);

/// A forward's input.
struct Input {
  at::Tensor x;
  Napi::Object keep_alive;  ///< where `x` is JavaScript's memory: what must not be collected while it is used
};

/// As tensor_from_js; but where `value.inPlace` is true the array is used without a copy, and the caller neither
/// changes nor detaches it before the job is done.
Input input_from_js(const Napi::Value& value);

/// Copies a contiguous CPU tensor into memory that JavaScript owns.
Napi::Object tensor_to_js(Napi::Env env, const at::Tensor& tensor);

/// Hands a contiguous CPU tensor to JavaScript. A large one that nothing else refers to is not copied, which would
/// block the event loop: it becomes an external array buffer where the runtime allows that. Node can clone such a
/// buffer for another thread, but not transfer it.
Napi::Object give_to_js(Napi::Env env, at::Tensor tensor);

Napi::Array shape_to_js(Napi::Env env, at::IntArrayRef shape);

/// Pictures in JavaScript's memory, used without a copy: a photograph has tens of megabytes.
struct Pictures {
  std::vector<at::Tensor> views;  ///< uint8 [height, width, 3]
  Napi::Array owners;             ///< to be kept alive for as long as the views are used
};

/// @param value a list of { data: Uint8Array, width, height }, which the caller neither changes nor detaches meanwhile
Pictures pictures_from_js(const Napi::Value& value);

/// Frees the memory of a typed array that is not used any more, by detaching it as a transfer would. Left to V8, large
/// buffers cause a collection of the whole heap every few megabytes. Does nothing where the memory may be shared (a
/// slab of Node's pool, a SharedArrayBuffer, WebAssembly memory).
void discard_bytes(const Napi::Value& value);

}  // namespace resnet
