#include "addon/optimized.h"

#include <limits>
#include <string>
#include <unordered_map>
#include <utility>

#include "addon/arguments.h"
#include "addon/errors.h"
#include "addon/job.h"
#include "addon/module.h"
#include "addon/tensors.h"
#include "error.h"
#include "image/preprocess.h"
#include "runtime/input.h"

namespace resnet {
namespace {

using Handle = Napi::External<std::shared_ptr<Optimized>>;

OptimizeOptions::DType dtype_from_js(const Napi::Value& value) {
  const auto name = string_argument(value, "dtype");
  if (name == "float32") return OptimizeOptions::DType::kFloat32;
  if (name == "bfloat16") return OptimizeOptions::DType::kBFloat16;
  if (name == "int8") return OptimizeOptions::DType::kInt8;
  throw Error("ERR_UNSUPPORTED_DTYPE", "dtype must be 'float32', 'bfloat16' or 'int8'.");
}

/// From a list of { name, least, most } in any order.
std::unordered_map<std::string, Range> ranges_from_js(const Napi::Value& value) {
  const auto list = array_argument(value, "ranges");
  std::unordered_map<std::string, Range> ranges;
  for (uint32_t i = 0; i < list.Length(); i++) {
    const auto item = object_argument(list.Get(i), "range");
    const auto name = string_argument(item.Get("name"), "name");
    const auto least = number_argument(item.Get("least"), "least");
    const auto most = number_argument(item.Get("most"), "most");
    constexpr double kMax = std::numeric_limits<float>::max();
    if (!(-kMax <= least && least <= most && most <= kMax)) {
      throw Error("ERR_CALIBRATION", "The range of " + name + " must be two numbers of float32, the lesser first.");
    }
    ranges[name] = {static_cast<float>(least), static_cast<float>(most)};
  }
  return ranges;
}

void check(const at::Tensor& x) {
  if (x.scalar_type() == at::kByte) {
    check_pictures(x.sizes().vec());
  } else {
    check_input(x.sizes().vec(), 3);
  }
}

}  // namespace

Napi::Object start_optimize(Napi::Env env, const std::shared_ptr<Network>& network, const Napi::Value& value) {
  const auto object = object_argument(value, "options");
  OptimizeOptions options;
  options.dtype = dtype_from_js(object.Get("dtype"));
  options.normalization = {three_numbers_argument(object.Get("mean"), "mean"),
                           three_numbers_argument(object.Get("std"), "std")};
  if (const auto ranges = object.Get("ranges"); !ranges.IsUndefined()) {
    options.ranges = ranges_from_js(ranges);
  }
  if (const auto inputs = object.Get("calibration"); !inputs.IsUndefined()) {
    const auto list = array_argument(inputs, "calibration");
    for (uint32_t i = 0; i < list.Length(); i++) {
      auto input = tensor_from_js(list.Get(i));
      check(input);
      options.calibration.push_back(input.scalar_type() == at::kByte ? input : input.to(at::kFloat));
    }
  }
  options.consume = bool_argument(object.Get("consume"), "consume");
  if (bool_argument(object.Get("percentile"), "percentile")) options.method = CalibrationMethod::kPercentile;
  if (options.dtype == OptimizeOptions::DType::kInt8 && !options.ranges && options.calibration.empty()) {
    throw Error("ERR_CALIBRATION", "int8 needs a calibration: inputs like those to come, or a saved one.");
  }

  auto made = std::make_shared<std::shared_ptr<Optimized>>();
  auto in_flight = std::make_shared<Network::InFlight>(network);
  return start_job(
      env,
      [made, in_flight = std::move(in_flight), options = std::move(options)](const Interrupt& interrupt) {
        in_flight->await_turn();
        const auto& network = in_flight->network();
        *made = std::make_shared<Optimized>(network.resnet("optimize()"), network.device(), options, interrupt);
        return at::Tensor();
      },
      0,
      [made](Napi::Env env, const at::Tensor&) -> Napi::Value {
        return Handle::New(env, new std::shared_ptr<Optimized>(std::move(*made)),
                           [](Napi::BasicEnv, std::shared_ptr<Optimized>* optimized) { delete optimized; });
      });
}

Napi::Object start_peak(Napi::Env env, const Napi::Value& dtype, const Napi::Value& threads) {
  constexpr double kSeconds = 0.3;
  return start_job(
      env,
      [dtype = dtype_from_js(dtype)](const Interrupt&) { return at::full({1}, peak_of(dtype, kSeconds), at::kDouble); },
      static_cast<int>(integer_argument(threads, "threads", 0, kMaxThreads)));
}

Napi::Function OptimizedModule::define(Napi::Env env) {
  return DefineClass(env, "NativeOptimized",
                     {
                         InstanceMethod<&OptimizedModule::forward>("forward"),
                         InstanceMethod<&OptimizedModule::forward_sync>("forwardSync"),
                         InstanceMethod<&OptimizedModule::forward_pictures>("forwardPictures"),
                         InstanceMethod<&OptimizedModule::explain>("explain"),
                         InstanceMethod<&OptimizedModule::description>("description"),
                         InstanceMethod<&OptimizedModule::ranges>("ranges"),
                         InstanceMethod<&OptimizedModule::dispose>("dispose"),
                     });
}

OptimizedModule::OptimizedModule(const Napi::CallbackInfo& info) : ObjectWrap(info) {
  guarded(info.Env(), [&] {
    if (!info[0].IsExternal()) throw Error("ERR_ARGUMENT", "handle must be what optimize() gave.");
    optimized_ = std::move(*info[0].As<Handle>().Data());
    reported_ = optimized()->bytes();
    Napi::MemoryManagement::AdjustExternalMemory(info.Env(), reported_);
  });
}

void OptimizedModule::Finalize(Napi::BasicEnv env) { release(env); }

void OptimizedModule::release(Napi::BasicEnv env) {
  optimized_.reset();
  if (reported_ != 0) Napi::MemoryManagement::AdjustExternalMemory(env, -std::exchange(reported_, 0));
}

const std::shared_ptr<Optimized>& OptimizedModule::optimized() const {
  if (!optimized_) throw Error("ERR_DISPOSED", "The network was disposed of.");
  return optimized_;
}

namespace {

/// The arguments (x, features, threads) of forward and forwardSync.
struct ForwardArguments {
  explicit ForwardArguments(const Napi::CallbackInfo& info)
      : x(tensor_from_js(info[0])),
        until(bool_argument(info[1], "features") ? OutputPoint::kFeatures : OutputPoint::kLogits),
        threads(static_cast<int>(integer_argument(info[2], "threads", 0, kMaxThreads))) {
    check(x);
  }
  at::Tensor x;
  OutputPoint until;
  int threads;
};

}  // namespace

Napi::Value OptimizedModule::forward(const Napi::CallbackInfo& info) {
  return guarded(info.Env(), [&]() -> Napi::Value {
    ForwardArguments arguments(info);
    return start_job(
        info.Env(),
        [optimized = optimized(), x = std::move(arguments.x), until = arguments.until](const Interrupt& interrupt) {
          return optimized->forward(x, until, interrupt);
        },
        optimized()->threads(arguments.threads));
  });
}

Napi::Value OptimizedModule::forward_sync(const Napi::CallbackInfo& info) {
  return guarded(info.Env(), [&]() -> Napi::Value {
    ForwardArguments arguments(info);
    auto y = run_job([optimized = optimized(), x = std::move(arguments.x), until = arguments.until](
                         const Interrupt& interrupt) { return optimized->forward(x, until, interrupt); },
                     optimized()->threads(arguments.threads));
    return give_to_js(info.Env(), std::move(y));
  });
}

Napi::Value OptimizedModule::forward_pictures(const Napi::CallbackInfo& info) {
  return guarded(info.Env(), [&]() -> Napi::Value {
    auto pictures = pictures_from_js(info[0]);
    const auto preprocess = preprocess_from_js(info[1]);
    const auto threads = static_cast<int>(integer_argument(info[2], "threads", 0, kMaxThreads));
    return start_job(
        info.Env(),
        [optimized = optimized(), views = std::move(pictures.views), preprocess](const Interrupt& interrupt) {
          return optimized->forward(resnet::resize_and_crop(views, preprocess), OutputPoint::kLogits, interrupt);
        },
        optimized()->threads(threads), /*deliver=*/nullptr, pictures.owners);
  });
}

Napi::Value OptimizedModule::explain(const Napi::CallbackInfo& info) {
  return guarded(info.Env(), [&]() -> Napi::Value {
    auto x = tensor_from_js(info[0]);
    check(x);
    std::optional<int64_t> index;
    if (!info[1].IsUndefined()) index = integer_argument(info[1], "class", 0, optimized()->classes() - 1);
    const auto threads = static_cast<int>(integer_argument(info[2], "threads", 0, kMaxThreads));
    auto explained = std::make_shared<Optimized::Explained>();
    return start_job(
        info.Env(),
        [optimized = optimized(), x = std::move(x), index, explained](const Interrupt& interrupt) {
          *explained = optimized->explain(x, index, interrupt);
          return at::Tensor();
        },
        optimized()->threads(threads),
        [explained](Napi::Env env, const at::Tensor&) -> Napi::Value {
          auto out = Napi::Object::New(env);
          out.Set("logits", tensor_to_js(env, explained->logits));
          out.Set("classes", tensor_to_js(env, explained->classes));
          out.Set("maps", tensor_to_js(env, explained->maps));
          return out;
        });
  });
}

Napi::Value OptimizedModule::description(const Napi::CallbackInfo& info) {
  return guarded(info.Env(), [&] {
    auto out = Napi::Object::New(info.Env());
    out.Set("plan", optimized()->text());
    out.Set("executor", optimized()->executor());
    return out;
  });
}

Napi::Value OptimizedModule::ranges(const Napi::CallbackInfo& info) {
  return guarded(info.Env(), [&] {
    const auto& ranges = optimized()->ranges();
    auto list = Napi::Array::New(info.Env(), ranges.size());
    for (uint32_t i = 0; i < ranges.size(); i++) {
      auto item = Napi::Object::New(info.Env());
      item.Set("name", optimized()->value_names()[i]);
      item.Set("least", ranges[i].min);
      item.Set("most", ranges[i].max);
      list.Set(i, item);
    }
    return list;
  });
}

Napi::Value OptimizedModule::dispose(const Napi::CallbackInfo& info) {
  release(info.Env());
  return info.Env().Undefined();
}

}  // namespace resnet
