#include "addon/trainer_wrap.h"

#include <optional>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "addon/arguments.h"
#include "addon/errors.h"
#include "addon/job.h"
#include "addon/module_wrap.h"
#include "addon/options.h"
#include "addon/tensors.h"
#include "error.h"
#include "runtime/read_state.h"

namespace resnet {
namespace {

constexpr int64_t kMaxSafeInteger = (int64_t{1} << 53) - 1;

Batch batch_from_js(const Napi::Value& x, const Napi::Value& target) {
  return {tensor_from_js(x), tensor_from_js(target)};
}

std::optional<Mix> mix_from_js(const Napi::Value& value) {
  if (value.IsUndefined()) return {};
  const auto object = object_argument(value, "mix");
  Mix mix{number_argument(object.Get("lambda"), "mix.lambda", 0, 1), {}};
  const Napi::Value box = object.Get("box");
  if (!box.IsUndefined()) mix.box = box_argument(box, "mix.box");
  return mix;
}

Napi::Array entries_to_js(Napi::Env env, Trainer::NamedTensors entries) {
  auto list = Napi::Array::New(env, entries.size());
  for (uint32_t i = 0; i < entries.size(); i++) {
    const Napi::HandleScope scope(env);
    auto item = move_to_js(env, std::move(entries[i].second));
    item.Set("name", entries[i].first);
    list.Set(i, item);
  }
  return list;
}

struct Snapshot {
  Trainer::NamedTensors entries;
  int64_t updates, accumulated;
};

}  // namespace

Napi::Function TrainerWrap::define(Napi::Env env) {
  return DefineClass(env, "NativeTrainer",
                     {
                         InstanceMethod<&TrainerWrap::step>("step"),
                         InstanceMethod<&TrainerWrap::gradients>("gradients"),
                         InstanceMethod<&TrainerWrap::evaluate>("evaluate"),
                         InstanceMethod<&TrainerWrap::state>("state"),
                         InstanceMethod<&TrainerWrap::read_state>("readState"),
                         InstanceMethod<&TrainerWrap::trained>("trained"),
                         InstanceMethod("dispose", &TrainerWrap::dispose),
                     });
}

TrainerWrap::TrainerWrap(const Napi::CallbackInfo& info) : TrackedWrap(info) {
  with_js_errors(info.Env(), [&] {
    auto options = trainer_options_from_js(info[1]);
    threads_ = threads_from_js(object_argument(info[1], "options").Get("threads"));
    auto trainer = std::make_shared<Trainer>(ModuleWrap::network_of(info[0]), std::move(options));
    const auto bytes = trainer->bytes();
    set_object(info.Env(), std::move(trainer), bytes);
  });
}

template <class Compute, class Deliver>
Napi::Object TrainerWrap::start(Napi::Env env, Compute compute, Deliver deliver) const {
  return start_job(env, std::move(compute), std::move(deliver), threads_, {}, InferenceThreads::training());
}

Napi::Value TrainerWrap::step(const Napi::CallbackInfo& info) {
  return with_js_errors(info.Env(), [&] {
    auto batch = batch_from_js(info[0], info[1]);
    const auto object = object_argument(info[2], "options");
    const StepOptions options{number_argument(object.Get("lr"), "lr"),
                              integer_argument(object.Get("accumulate"), "accumulate", 1, kMaxSafeInteger),
                              mix_from_js(object.Get("mix"))};
    return start(
        info.Env(),
        [trainer = this->object(), batch = std::move(batch), options](const Interrupt& interrupt) {
          return trainer->step(batch, options, interrupt);
        },
        [](Napi::Env env, const StepResult& result) {
          auto out = Napi::Object::New(env);
          out.Set("loss", result.loss);
          out.Set("correct", static_cast<double>(result.correct));
          if (result.grad_norm) out.Set("gradNorm", *result.grad_norm);
          return out;
        });
  });
}

Napi::Value TrainerWrap::gradients(const Napi::CallbackInfo& info) {
  return with_js_errors(info.Env(), [&] {
    return start(
        info.Env(),
        [trainer = object(), batch = batch_from_js(info[0], info[1])](const Interrupt& interrupt) {
          return trainer->gradients(batch, interrupt);
        },
        entries_to_js);
  });
}

Napi::Value TrainerWrap::evaluate(const Napi::CallbackInfo& info) {
  return with_js_errors(info.Env(), [&] {
    return start(
        info.Env(),
        [trainer = object(), batch = batch_from_js(info[0], info[1])](const Interrupt& interrupt) {
          return trainer->evaluate(batch, interrupt);
        },
        [](Napi::Env env, const Evaluation& result) {
          auto out = Napi::Object::New(env);
          out.Set("loss", result.loss);
          out.Set("correct", static_cast<double>(result.correct));
          out.Set("correctOf5", static_cast<double>(result.correct_of_5));
          out.Set("count", static_cast<double>(result.count));
          return out;
        });
  });
}

Napi::Value TrainerWrap::state(const Napi::CallbackInfo& info) {
  return with_js_errors(info.Env(), [&] {
    return start(
        info.Env(),
        [trainer = object()](const Interrupt&) {
          return Snapshot{trainer->state(), trainer->updates(), trainer->accumulated()};
        },
        [](Napi::Env env, Snapshot snapshot) {
          auto out = Napi::Object::New(env);
          out.Set("entries", entries_to_js(env, std::move(snapshot.entries)));
          out.Set("updates", static_cast<double>(snapshot.updates));
          out.Set("accumulated", static_cast<double>(snapshot.accumulated));
          return out;
        });
  });
}

Napi::Value TrainerWrap::read_state(const Napi::CallbackInfo& info) {
  return with_js_errors(info.Env(), [&] {
    auto path = string_argument(info[0], "path");
    const auto entries = array_argument(info[1], "entries");
    const auto progress = object_argument(info[2], "progress");
    const auto updates = integer_argument(progress.Get("updates"), "updates", 0, kMaxSafeInteger);
    const auto accumulated = integer_argument(progress.Get("accumulated"), "accumulated", 0, kMaxSafeInteger);
    const auto writable = object()->writable_state();
    const std::unordered_map<std::string, at::Tensor> state(writable.begin(), writable.end());
    std::vector<Extent> extents;
    Trainer::NamedTensors gradients;
    for (uint32_t i = 0; i < entries.Length(); i++) {
      const Napi::HandleScope scope(info.Env());
      const auto item = object_argument(entries.Get(i), "entry");
      const auto name = string_argument(item.Get("name"), "name");
      constexpr std::string_view kGradients = "gradients.";
      at::Tensor destination;
      if (name.starts_with(kGradients)) {
        destination = at::empty(shape_argument(item.Get("shape"), "shape"));
        gradients.emplace_back(name.substr(kGradients.size()), destination);
      } else if (const auto found = state.find(name); found != state.end()) {
        destination = found->second;
      } else {
        throw Error("ERR_CHECKPOINT_MISMATCH", "The trainer has no tensor named " + name + ".");
      }
      const auto offset = integer_argument(item.Get("offset"), "offset", 0, kMaxSafeInteger);
      if (integer_argument(item.Get("length"), "length", 0, kMaxSafeInteger) !=
          static_cast<int64_t>(destination.nbytes())) {
        throw Error("ERR_CHECKPOINT_MISMATCH", "The checkpoint's " + name + " has another size than the trainer's.");
      }
      extents.push_back({destination, destination.scalar_type(), offset});
    }
    return start(
        info.Env(),
        [trainer = object(), path = std::move(path), extents = std::move(extents), gradients = std::move(gradients),
         updates, accumulated](const Interrupt&) {
          resnet::read_state(path, extents);
          trainer->set_progress(updates, accumulated, gradients);
          return true;
        },
        [](Napi::Env env, bool) { return env.Undefined(); });
  });
}

Napi::Value TrainerWrap::trained(const Napi::CallbackInfo& info) {
  return with_js_errors(info.Env(), [&] {
    const auto names = object()->trained();
    auto list = Napi::Array::New(info.Env(), names.size());
    for (uint32_t i = 0; i < names.size(); i++) list.Set(i, names[i]);
    return list;
  });
}

}  // namespace resnet
