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

/// A forward with the arguments (x, features, threads); what start_job computes.
class ForwardWork {
 public:
  ForwardWork(std::shared_ptr<Optimized> optimized, const Napi::CallbackInfo& info)
      : optimized_(std::move(optimized)),
        x_(tensor_from_js(info[0])),
        until_(bool_argument(info[1], "features") ? OutputPoint::kFeatures : OutputPoint::kLogits),
        threads_(optimized_->threads(threads_from_js(info[2]))) {}

  at::Tensor operator()(const Interrupt& interrupt) const { return optimized_->forward(x_, until_, interrupt); }

  [[nodiscard]] int threads() const { return threads_; }

 private:
  std::shared_ptr<Optimized> optimized_;
  at::Tensor x_;
  OutputPoint until_;
  int threads_;
};

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

Napi::Object OptimizedWrap::create(Napi::Env env, std::shared_ptr<Optimized> optimized) {
  const auto bytes = optimized->bytes();
  auto wrapped = Environment::of(env)->optimized_class.New({});
  Unwrap(wrapped)->own(env, std::move(optimized), bytes);
  return wrapped;
}

Napi::Value OptimizedWrap::forward(const Napi::CallbackInfo& info) {
  return guarded(info.Env(), [&] {
    ForwardWork forward(object(), info);
    const auto threads = forward.threads();
    return start_job(info.Env(), std::move(forward), give_to_js, threads);
  });
}

Napi::Value OptimizedWrap::forward_sync(const Napi::CallbackInfo& info) {
  return guarded(info.Env(), [&] {
    ForwardWork forward(object(), info);
    const auto threads = forward.threads();
    return give_to_js(info.Env(), run_job(std::move(forward), threads));
  });
}

Napi::Value OptimizedWrap::explain(const Napi::CallbackInfo& info) {
  return guarded(info.Env(), [&] {
    auto x = tensor_from_js(info[0]);
    std::optional<int64_t> index;
    if (!info[1].IsUndefined()) index = integer_argument(info[1], "class", 0, object()->classes() - 1);
    return start_job(
        info.Env(),
        [optimized = object(), x = std::move(x), index](const Interrupt& interrupt) {
          return optimized->explain(x, index, interrupt);
        },
        [](Napi::Env env, const Optimized::Explained& explained) {
          auto out = Napi::Object::New(env);
          out.Set("logits", tensor_to_js(env, explained.logits));
          out.Set("classes", tensor_to_js(env, explained.classes));
          out.Set("maps", tensor_to_js(env, explained.maps));
          return out;
        },
        object()->threads(threads_from_js(info[2])));
  });
}

Napi::Value OptimizedWrap::description(const Napi::CallbackInfo& info) {
  return guarded(info.Env(), [&] {
    auto out = Napi::Object::New(info.Env());
    out.Set("plan", object()->text());
    out.Set("executor", object()->executor());
    return out;
  });
}

Napi::Value OptimizedWrap::ranges(const Napi::CallbackInfo& info) {
  return guarded(info.Env(), [&] {
    const auto& ranges = object()->ranges();
    auto list = Napi::Array::New(info.Env(), ranges.size());
    for (uint32_t i = 0; i < ranges.size(); i++) {
      auto item = Napi::Object::New(info.Env());
      item.Set("name", object()->value_names()[i]);
      item.Set("min", ranges[i].least);
      item.Set("max", ranges[i].most);
      list.Set(i, item);
    }
    return list;
  });
}

}  // namespace resnet
