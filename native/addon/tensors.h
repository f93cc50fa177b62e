#pragma once

#include <ATen/ATen.h>
#include <napi.h>

#include <string>
#include <vector>

namespace resnet {

/// @throws Error ERR_DTYPE where the name is none of lib/tensor.ts
at::ScalarType dtype_named(const std::string& name);

const char* name_of(at::ScalarType dtype);

/// Copies { dtype, shape, data } in: the caller may change its array as soon as this returns.
/// @throws Error ERR_DTYPE, ERR_SHAPE
at::Tensor tensor_from_js(const Napi::Value& value);

/// Copies a contiguous CPU tensor out, into memory that JavaScript owns.
Napi::Object tensor_to_js(Napi::Env env, const at::Tensor& tensor);

/// Hands a contiguous CPU tensor over: a large one that nobody else holds becomes JavaScript's as it lies, where the
/// runtime allows that, so that no copy holds the event loop; others are copied. What was handed over cannot be
/// transferred to another thread, only cloned: Node's rule for memory that is not V8's.
Napi::Object give_to_js(Napi::Env env, at::Tensor tensor);

Napi::Array shape_to_js(Napi::Env env, at::IntArrayRef shape);

/// Pictures in memory that JavaScript owns, used where they lie: a photograph has tens of megabytes.
struct Pictures {
  std::vector<at::Tensor> views;  ///< uint8 [height, width, 3]
  Napi::Array owners;             ///< to be kept from the collector for as long as the views are used
};

/// Takes a list of { data: Uint8Array, width, height }, which the caller neither changes nor detaches meanwhile.
Pictures pictures_from_js(const Napi::Value& value);

/// Frees the memory under a typed array that nobody reads any more, as a transfer would: V8 counts large memory and
/// looks through its whole heap for it every few megabytes. What others share (a pool's slab, shared or
/// WebAssembly's memory) is left to the collector.
void discard_bytes(const Napi::Value& value);

}  // namespace resnet
