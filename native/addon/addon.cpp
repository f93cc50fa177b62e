#include <ATen/Version.h>
#include <napi.h>
#include <torch/headeronly/version.h>

#include <limits>

#include "addon/arguments.h"
#include "addon/augment_plan.h"
#include "addon/environment.h"
#include "addon/errors.h"
#include "addon/job.h"
#include "addon/module_wrap.h"
#include "addon/optimized_wrap.h"
#include "addon/options.h"
#include "addon/tensors.h"
#include "addon/trainer_wrap.h"
#include "image/augment.h"
#include "image/preprocess.h"
#include "inference/optimized.h"
#include "runtime/cuda.h"
#include "runtime/inference_threads.h"
#include "system/cores.h"
#include "system/memory_limit.h"

// The addon's exports; lib/native/addon.ts types them.
namespace resnet {
namespace {

/// A plain function, so that JavaScript can neither extend nor change the class.
Napi::Value create_module(const Napi::CallbackInfo& info) {
  return Environment::of(info.Env())->module_class.New({info[0], info[1]});
}

/// Called with (module, options).
Napi::Value create_trainer(const Napi::CallbackInfo& info) {
  return Environment::of(info.Env())->trainer_class.New({info[0], info[1]});
}

/// Called with (pictures, options).
Napi::Value resize_and_crop(const Napi::CallbackInfo& info) {
  return with_js_errors(info.Env(), [&] {
    auto pictures = pictures_from_js(info[0]);
    return start_job(
        info.Env(),
        [views = std::move(pictures.views), preprocess = preprocess_from_js(info[1])](const Interrupt&) {
          return resnet::resize_and_crop(views, preprocess);
        },
        move_to_js, /*threads=*/1, pictures.owners, InferenceThreads::cropping());
  });
}

/// Called with (picture, plan).
Napi::Value augment(const Napi::CallbackInfo& info) {
  return with_js_errors(info.Env(), [&] {
    auto list = Napi::Array::New(info.Env(), 1);
    list.Set(uint32_t{0}, info[0]);
    const auto pictures = pictures_from_js(list);
    return start_job(
        info.Env(),
        [picture = pictures.views.front(), plan = augment_plan_from_js(info[1])](const Interrupt&) {
          return resnet::augment(picture, plan);
        },
        move_to_js, /*threads=*/1, pictures.owners, InferenceThreads::cropping());
  });
}

Napi::Value discard(const Napi::CallbackInfo& info) {
  return with_js_errors(info.Env(), [&] {
    discard_bytes(info[0]);
    return info.Env().Undefined();
  });
}

Napi::Value js_cuda_status(const Napi::CallbackInfo& info) {
  return with_js_errors(info.Env(), [&] {
    const auto& status = cuda_status();
    auto out = Napi::Object::New(info.Env());
    out.Set("available", status.available);
    out.Set("code", status.code);
    out.Set("reason", status.reason);
    return out;
  });
}

Napi::Value js_devices(const Napi::CallbackInfo& info) {
  const auto env = info.Env();
  auto out = Napi::Array::New(env);
  const auto add = [&](const std::string& name, const std::string& description, double memory) {
    auto device = Napi::Object::New(env);
    device.Set("name", name);
    device.Set("description", description);
    device.Set("memory", memory);
    out.Set(out.Length(), device);
  };
  add("cpu", at::get_cpu_capability(), 0);
  for (const auto& device : cuda_devices()) {
    add("cuda:" + std::to_string(out.Length() - 1), device.description, device.memory);
  }
  return out;
}

Napi::Value js_threads(const Napi::CallbackInfo& info) {
  auto out = Napi::Object::New(info.Env());
  out.Set("cores", usable_cores());
  out.Set("streams", InferenceThreads::shared().count());
  return out;
}

Napi::Value peak(const Napi::CallbackInfo& info) {
  constexpr double kSeconds = 0.3;
  return with_js_errors(info.Env(), [&] {
    return start_job(
        info.Env(), [dtype = optimized_dtype_from_js(info[0])](const Interrupt&) { return peak_of(dtype, kSeconds); },
        Napi::Number::New, threads_from_js(info[1]));
  });
}

Napi::Value ensure_inference_threads(const Napi::CallbackInfo& info) {
  return with_js_errors(info.Env(), [&] {
    InferenceThreads::shared().ensure(static_cast<int>(integer_argument(info[0], "streams", 1, 256)));
    return info.Env().Undefined();
  });
}

/// Called when the process ends. No forward runs afterward.
Napi::Value stop(const Napi::CallbackInfo& info) {
  InferenceThreads::stop_all();
  return info.Env().Undefined();
}

/// For tests: all external memory that V8's collector accounts for, in bytes. (process.memoryUsage().external counts
/// array buffers only.)
Napi::Value external_memory(const Napi::CallbackInfo& info) {
  const auto bytes = Napi::MemoryManagement::AdjustExternalMemory(info.Env(), 0);
  return Napi::Number::New(info.Env(), static_cast<double>(bytes));
}

/// For tests on machines without a GPU: replaces libtorch's CUDA library and the driver's number of devices. Called
/// with (library, devices), before the first use of CUDA.
Napi::Value set_cuda_source(const Napi::CallbackInfo& info) {
  return with_js_errors(info.Env(), [&] {
    auto& source = cuda_source();
    source.library = string_argument(info[0], "library");
    if (!info[1].IsUndefined()) {
      source.count_devices = [count = static_cast<int>(integer_argument(info[1], "devices", 0, 64))] { return count; };
    }
    return info.Env().Undefined();
  });
}

/// For tests: reads the control groups' memory limit below another root than the system's, and returns it in bytes.
Napi::Value set_control_groups(const Napi::CallbackInfo& info) {
  return with_js_errors(info.Env(), [&] {
    const auto limit = measure_memory_limit(string_argument(info[0], "root"));
    return Napi::Number::New(info.Env(),
                             limit == kNoLimit ? std::numeric_limits<double>::infinity() : static_cast<double>(limit));
  });
}

std::string loaded_libtorch() {
  // From the library, not from its headers: an addon may be loaded with another libtorch than it was built with.
  const auto config = at::show_config();
  const auto found = config.find("TORCH_VERSION=");
  if (found == std::string::npos) return "unknown";
  const auto start = found + 14;
  return config.substr(start, config.find_first_of(", \n", start) - start);
}

Napi::Object init(Napi::Env env, Napi::Object exports) {
  limit_allocations();
  Environment::attach(env);
  auto& environment = *Environment::of(env);
  environment.module_class = Napi::Persistent(ModuleWrap::define(env));
  environment.optimized_class = Napi::Persistent(OptimizedWrap::define(env));
  environment.trainer_class = Napi::Persistent(TrainerWrap::define(env));
  auto versions = Napi::Object::New(env);
  versions.Set("libtorch", loaded_libtorch());
  versions.Set("compiled", TORCH_VERSION);
  exports.Set("versions", versions);
  exports.Set("createModule", Napi::Function::New(env, create_module));
  exports.Set("createTrainer", Napi::Function::New(env, create_trainer));
  exports.Set("resizeAndCrop", Napi::Function::New(env, resize_and_crop));
  exports.Set("augment", Napi::Function::New(env, augment));
  exports.Set("discard", Napi::Function::New(env, discard));
  exports.Set("cudaStatus", Napi::Function::New(env, js_cuda_status));
  exports.Set("devices", Napi::Function::New(env, js_devices));
  exports.Set("threads", Napi::Function::New(env, js_threads));
  exports.Set("peak", Napi::Function::New(env, peak));
  exports.Set("ensureInferenceThreads", Napi::Function::New(env, ensure_inference_threads));
  exports.Set("stop", Napi::Function::New(env, stop));
  exports.Set("_externalMemory", Napi::Function::New(env, external_memory));
  exports.Set("_setCudaSource", Napi::Function::New(env, set_cuda_source));
  exports.Set("_setControlGroups", Napi::Function::New(env, set_control_groups));
  return exports;
}

}  // namespace

NODE_API_MODULE(resnet, init)

}  // namespace resnet
