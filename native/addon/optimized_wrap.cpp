#include "addon/optimized_wrap.h"

#include <optional>
#include <utility>

#include "addon/arguments.h"
#include "addon/environment.h"
#include "addon/errors.h"
#include "addon/job.h"
#include "addon/options.h"
#include "addon/tensors.h"

namespace resnet {
namespace {

/// The arguments (x, features, threads).
struct ForwardArguments {
  explicit ForwardArguments(const Napi::CallbackInfo& info)
      : input(input_from_js(info[0])),
        until(bool_argument(info[1], "features") ? OutputPoint::kFeatures : OutputPoint::kLogits),
        threads(threads_from_js(info[2])) {}

  Input input;
  OutputPoint until;
  int threads;
};

auto forward_work(std::shared_ptr<OptimizedResNet> optimized, const ForwardArguments& arguments) {
  return [optimized = std::move(optimized), x = arguments.input.x,
          until = arguments.until](const Interrupt& interrupt) { return optimized->forward(x, until, interrupt); };
}

}  // namespace

Napi::Function OptimizedWrap::define(Napi::Env env) {
  return DefineClass(env, "NativeOptimized",
                     {
                         InstanceMethod<&OptimizedWrap::forward>("forward"),
                         InstanceMethod<&OptimizedWrap::forward_sync>("forwardSync"),
                         InstanceMethod<&OptimizedWrap::explain>("explain"),
                         InstanceMethod<&OptimizedWrap::description>("description"),
                         InstanceMethod<&OptimizedWrap::ranges>("ranges"),
                         InstanceMethod("dispose", &OptimizedWrap::dispose),
                     });
}

Napi::Object OptimizedWrap::create(Napi::Env env, std::shared_ptr<OptimizedResNet> optimized) {
  const auto bytes = optimized->bytes();
  auto wrapped = Environment::of(env)->optimized_class.New({});
  Unwrap(wrapped)->set_object(env, std::move(optimized), bytes);
  return wrapped;
}

Napi::Value OptimizedWrap::forward(const Napi::CallbackInfo& info) {
  return with_js_errors(info.Env(), [&] {
    const ForwardArguments arguments(info);
    return start_job(info.Env(), forward_work(object(), arguments), move_to_js, object()->threads(arguments.threads),
                     arguments.input.keep_alive);
  });
}

Napi::Value OptimizedWrap::forward_sync(const Napi::CallbackInfo& info) {
  return with_js_errors(info.Env(), [&] {
    const ForwardArguments arguments(info);
    auto y = run_job(forward_work(object(), arguments), object()->threads(arguments.threads));
    return move_to_js(info.Env(), std::move(y));
  });
}

Napi::Value OptimizedWrap::explain(const Napi::CallbackInfo& info) {
  return with_js_errors(info.Env(), [&] {
    const auto input = input_from_js(info[0]);
    std::optional<int64_t> index;
    if (!info[1].IsUndefined()) index = integer_argument(info[1], "class", 0, object()->classes() - 1);
    return start_job(
        info.Env(),
        [optimized = object(), x = input.x, index](const Interrupt& interrupt) {
          return optimized->explain(x, index, interrupt);
        },
        [](Napi::Env env, const OptimizedResNet::Explained& explained) {
          auto out = Napi::Object::New(env);
          out.Set("logits", tensor_to_js(env, explained.logits));
          out.Set("classes", tensor_to_js(env, explained.classes));
          out.Set("maps", tensor_to_js(env, explained.maps));
          return out;
        },
        object()->threads(threads_from_js(info[2])), input.keep_alive);
  });
}

Napi::Value OptimizedWrap::description(const Napi::CallbackInfo& info) {
  return with_js_errors(info.Env(), [&] {
    auto out = Napi::Object::New(info.Env());
    out.Set("plan", object()->text());
    out.Set("executor", object()->executor());
    return out;
  });
}

Napi::Value OptimizedWrap::ranges(const Napi::CallbackInfo& info) {
  return with_js_errors(info.Env(), [&] {
    const auto& ranges = object()->ranges();
    auto list = Napi::Array::New(info.Env(), ranges.size());
    for (uint32_t i = 0; i < ranges.size(); i++) {
      auto item = Napi::Object::New(info.Env());
      item.Set("name", object()->value_names()[i]);
      item.Set("min", ranges[i].min);
      item.Set("max", ranges[i].max);
      list.Set(i, item);
    }
    return list;
  });
}

}  // namespace resnet
