#include "addon/tensors.h"

#include <array>
#include <cstring>
#include <memory>
#include <new>
#include <utility>

#include "addon/arguments.h"
#include "error.h"
#include "system/memory_limit.h"

namespace resnet {
namespace {

struct DType {
  const char* name;
  at::ScalarType dtype;
  napi_typedarray_type array;
};

constexpr std::array<DType, 8> kDTypes{{
    {"float32", at::kFloat, napi_float32_array},
    {"float64", at::kDouble, napi_float64_array},
    {"float16", at::kHalf, napi_uint16_array},
    {"bfloat16", at::kBFloat16, napi_uint16_array},
    {"int8", at::kChar, napi_int8_array},
    {"uint8", at::kByte, napi_uint8_array},
    {"int32", at::kInt, napi_int32_array},
    {"int64", at::kLong, napi_bigint64_array},
}};

const DType& find(const std::string& name) {
  for (const auto& candidate : kDTypes) {
    if (name == candidate.name) return candidate;
  }
  throw Error("ERR_DTYPE", "dtype must be one of the names in DType, but got '" + name.substr(0, 80) + "'.");
}

const DType& find(at::ScalarType dtype) {
  for (const auto& candidate : kDTypes) {
    if (dtype == candidate.dtype) return candidate;
  }
  throw Error("ERR_DTYPE", std::string("libtorch's dtype ") + c10::toString(dtype) + " has no name here.");
}

/// The current memory of a typed array. A detached or shrunk buffer has a shorter length.
struct Bytes {
  explicit Bytes(const Napi::Value& value) {
    if (!value.IsTypedArray()) throw Error("ERR_ARGUMENT", "data must be a typed array.");
    napi_value buffer = nullptr;
    size_t offset = 0;
    if (napi_get_typedarray_info(value.Env(), value, &type, &length, &data, &buffer, &offset) != napi_ok) {
      throw Error("ERR_ARGUMENT", "data must be a typed array of a known kind.");
    }
    if (data == nullptr) length = 0;
  }

  napi_typedarray_type type{};
  size_t length = 0;
  void* data = nullptr;
};

int64_t product(const std::vector<int64_t>& shape) {
  int64_t elements = 1;
  for (const auto dimension : shape) {
    if (__builtin_mul_overflow(elements, dimension, &elements)) {
      throw Error("ERR_SHAPE", "shape must have a product below 2^63.");
    }
  }
  return elements;
}

void require_length(const Bytes& bytes, int64_t elements) {
  if (static_cast<int64_t>(bytes.length) == elements) return;
  throw Error("ERR_SHAPE", "data must hold " + std::to_string(elements) +
                               " elements, the product of its shape, but got " + std::to_string(bytes.length) + ".");
}

/// Allocates by JavaScript's own constructor, which throws when there is no memory; Node-API's function would end the
/// process.
Napi::ArrayBuffer new_buffer(Napi::Env env, size_t bytes) {
  require_memory(bytes);
  const auto constructor = env.Global().Get("ArrayBuffer");
  if (!constructor.IsFunction()) throw Error("ERR_NATIVE", "The global ArrayBuffer is not a constructor.");
  Napi::Value buffer;
  try {
    buffer = constructor.As<Napi::Function>().New({Napi::Number::New(env, static_cast<double>(bytes))});
  } catch (const Napi::Error&) {
    throw std::bad_alloc();
  }
  if (!buffer.IsArrayBuffer() || buffer.As<Napi::ArrayBuffer>().ByteLength() != bytes) {
    throw Error("ERR_NATIVE", "The global ArrayBuffer was replaced.");
  }
  return buffer.As<Napi::ArrayBuffer>();
}

/// { dtype, shape, data } of a tensor whose values are in `buffer`.
Napi::Object describe(Napi::Env env, const at::Tensor& tensor, napi_value buffer) {
  const auto& dtype = find(tensor.scalar_type());
  napi_value data = nullptr;
  const auto length = static_cast<size_t>(tensor.numel());
  if (napi_create_typedarray(env, dtype.array, length, buffer, 0, &data) != napi_ok) throw Napi::Error::New(env);
  auto object = Napi::Object::New(env);
  object.Set("dtype", dtype.name);
  object.Set("shape", shape_to_js(env, tensor.sizes()));
  object.Set("data", data);
  return object;
}

/// { dtype, shape, data }, checked.
Input view_from_js(const Napi::Value& value) {
  const auto object = object_argument(value, "tensor");
  const auto& dtype = find(string_argument(object.Get("dtype"), "dtype"));
  const auto shape = shape_argument(object.Get("shape"), "shape");
  const Napi::Value data = object.Get("data");
  const Bytes bytes(data);
  const bool clamped = dtype.array == napi_uint8_array && bytes.type == napi_uint8_clamped_array;
  if (bytes.type != dtype.array && !clamped) {
    throw Error("ERR_DTYPE", std::string("data is not of the kind that dtype '") + dtype.name + "' needs.");
  }
  require_length(bytes, product(shape));
  return {at::from_blob(bytes.data, shape, dtype.dtype), data.As<Napi::Object>()};
}

}  // namespace

at::ScalarType dtype_named(const std::string& name) { return find(name).dtype; }

const char* name_of(at::ScalarType dtype) { return find(dtype).name; }

at::Tensor tensor_from_js(const Napi::Value& value) {
  const auto view = view_from_js(value).x;
  auto tensor = at::empty(view.sizes(), view.options());
  if (view.nbytes() > 0) std::memcpy(tensor.data_ptr(), view.const_data_ptr(), view.nbytes());
  return tensor;
}

Input input_from_js(const Napi::Value& value) {
  const auto in_place = object_argument(value, "tensor").Get("inPlace");
  if (!in_place.IsUndefined() && bool_argument(in_place, "inPlace")) return view_from_js(value);
  return {tensor_from_js(value), {}};
}

Napi::Array shape_to_js(Napi::Env env, at::IntArrayRef shape) {
  auto array = Napi::Array::New(env, shape.size());
  for (uint32_t i = 0; i < shape.size(); i++) array.Set(i, static_cast<double>(shape[i]));
  return array;
}

Napi::Object tensor_to_js(Napi::Env env, const at::Tensor& tensor) {
  auto buffer = new_buffer(env, tensor.nbytes());
  if (tensor.nbytes() > 0) std::memcpy(buffer.Data(), tensor.data_ptr(), tensor.nbytes());
  return describe(env, tensor, buffer);
}

Napi::Object move_to_js(Napi::Env env, at::Tensor tensor) {
  constexpr size_t kMinExternalBytes = size_t{1} << 20;  // less is copied within 0.1 ms
  const auto bytes = tensor.nbytes();
  const auto& storage = tensor.storage();
  const bool sole_owner = tensor.use_count() == 1 && storage.use_count() == 1 && storage.nbytes() == bytes;
  if (bytes < kMinExternalBytes || !sole_owner) return tensor_to_js(env, tensor);
  auto owner = std::make_unique<at::Tensor>(tensor);
  napi_value buffer = nullptr;
  const auto release = [](napi_env, void*, void* hint) { delete static_cast<at::Tensor*>(hint); };
  // Fails where V8 only allows memory of its own sandbox, as in Electron.
  if (napi_create_external_arraybuffer(env, tensor.data_ptr(), bytes, release, owner.get(), &buffer) != napi_ok) {
    return tensor_to_js(env, tensor);
  }
  static_cast<void>(owner.release());
  return describe(env, tensor, buffer);
}

Pictures pictures_from_js(const Napi::Value& value) {
  constexpr int64_t kLongestSide = int64_t{1} << 20;
  const auto array = array_argument(value, "pictures");
  if (array.Length() == 0) throw Error("ERR_ARGUMENT", "pictures must hold at least one picture.");
  Pictures pictures{{}, Napi::Array::New(value.Env(), array.Length())};
  for (uint32_t i = 0; i < array.Length(); i++) {
    const auto object = object_argument(array.Get(i), "picture");
    const auto width = integer_argument(object.Get("width"), "width", 1, kLongestSide);
    const auto height = integer_argument(object.Get("height"), "height", 1, kLongestSide);
    const Napi::Value data = object.Get("data");
    const Bytes bytes(data);
    if (bytes.type != napi_uint8_array) throw Error("ERR_DTYPE", "A picture's data must be a Uint8Array.");
    require_length(bytes, width * height * 3);
    pictures.views.push_back(at::from_blob(bytes.data, {height, width, 3}, at::kByte));
    pictures.owners.Set(i, data);
  }
  return pictures;
}

void discard_bytes(const Napi::Value& value) {
  if (!value.IsTypedArray()) throw Error("ERR_ARGUMENT", "data must be a typed array.");
  const auto array = value.As<Napi::TypedArray>();
  auto buffer = array.ArrayBuffer();
  if (!buffer.IsArrayBuffer() || buffer.ByteLength() != array.ByteLength()) return;
  static_cast<void>(napi_detach_arraybuffer(value.Env(), buffer));
}

}  // namespace resnet
