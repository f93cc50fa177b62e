#include "addon/module_wrap.h"

#include <c10/core/InferenceMode.h>

#include <mutex>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "addon/arguments.h"
#include "addon/environment.h"
#include "addon/errors.h"
#include "addon/job.h"
#include "addon/optimized_wrap.h"
#include "addon/options.h"
#include "addon/read_state_worker.h"
#include "addon/tensors.h"
#include "error.h"
#include "model/feature_collector.h"
#include "runtime/device.h"
#include "runtime/read_state.h"

namespace resnet {
namespace {

std::unordered_map<std::string, at::Tensor> by_name(const Network& network) {
  std::unordered_map<std::string, at::Tensor> state;
  for (auto& [name, tensor] : network.state()) state.emplace(name, tensor);
  return state;
}

const at::Tensor& entry(const std::unordered_map<std::string, at::Tensor>& state, const std::string& name) {
  const auto found = state.find(name);
  if (found == state.end()) throw Error("ERR_WEIGHTS_MISMATCH", "There is no tensor named " + name + ".");
  return found->second;
}

void require_values(const Network& network) {
  if (network.device().is_meta()) throw Error("ERR_DEVICE", "A network on device 'meta' has no values.");
}

at::Tensor on_cpu(const at::Tensor& tensor) { return tensor.to(at::kCPU).contiguous(); }

/// A forward of a network that counts as in flight from now on; what start_job computes.
class ForwardWork {
 public:
  /// @param network by value, because a getter of `x` may dispose of the module
  /// @param x the argument of that name
  ForwardWork(std::shared_ptr<Network> network, const Napi::Value& x)
      : x_(tensor_from_js(x)), in_flight_(std::make_shared<Network::InFlight>(std::move(network))) {}

  at::Tensor operator()(const Interrupt& interrupt, Observer* observer = nullptr) const {
    return in_flight_->forward(x_, interrupt, observer);
  }

  [[nodiscard]] const Network& network() const { return in_flight_->network(); }
  [[nodiscard]] InferenceThreads& queue() const { return network().queue(); }

 private:
  at::Tensor x_;
  std::shared_ptr<Network::InFlight> in_flight_;
};

}  // namespace

Napi::Function ModuleWrap::define(Napi::Env env) {
  return DefineClass(env, "NativeModule",
                     {
                         InstanceMethod<&ModuleWrap::forward>("forward"),
                         InstanceMethod<&ModuleWrap::forward_sync>("forwardSync"),
                         InstanceMethod<&ModuleWrap::forward_features>("forwardFeatures"),
                         InstanceMethod<&ModuleWrap::stages>("stages"),
                         InstanceMethod<&ModuleWrap::optimize>("optimize"),
                         InstanceMethod<&ModuleWrap::train>("train"),
                         InstanceMethod<&ModuleWrap::training>("training"),
                         InstanceMethod<&ModuleWrap::to>("to"),
                         InstanceMethod<&ModuleWrap::device>("device"),
                         InstanceMethod<&ModuleWrap::state_spec>("stateSpec"),
                         InstanceMethod<&ModuleWrap::state_dict>("stateDict"),
                         InstanceMethod<&ModuleWrap::load_state>("loadState"),
                         InstanceMethod<&ModuleWrap::read_state>("readState"),
                         InstanceMethod<&ModuleWrap::trace>("trace"),
                         InstanceMethod<&ModuleWrap::dispose>("dispose"),
                     });
}

ModuleWrap::ModuleWrap(const Napi::CallbackInfo& info) : TrackedWrap(info) {
  with_js_errors(info.Env(), [&] {
    const auto spec = spec_from_js(info[0]);
    const auto options = module_options_from_js(info[1]);
    const auto device = device_named(options.device);
    auto network = std::make_shared<Network>(spec, device.is_meta());
    if (!device.is_meta()) {
      if (options.initialize) network->initialize(options.seed);
      network->to(device);
    }
    const auto bytes = device.is_meta() ? 0 : network->bytes();
    set_object(info.Env(), std::move(network), bytes);
  });
}

std::shared_ptr<Network> ModuleWrap::network_of(const Napi::Value& value) {
  const auto env = value.Env();
  const auto object = object_argument(value, "module");
  if (!object.InstanceOf(Environment::of(env)->module_class.Value())) {
    throw Error("ERR_ARGUMENT", "module must be a NativeModule.");
  }
  return Unwrap(object)->object();
}

Napi::Value ModuleWrap::forward(const Napi::CallbackInfo& info) {
  return with_js_errors(info.Env(), [&]() -> Napi::Value {
    ForwardWork forward(object(), info[0]);
    auto& queue = forward.queue();
    return start_job(info.Env(), std::move(forward), move_to_js, /*threads=*/0, {}, queue);
  });
}

Napi::Value ModuleWrap::forward_sync(const Napi::CallbackInfo& info) {
  return with_js_errors(info.Env(), [&]() -> Napi::Value {
    ForwardWork forward(object(), info[0]);
    auto& queue = forward.queue();
    return move_to_js(info.Env(), run_job(std::move(forward), /*threads=*/0, queue));
  });
}

Napi::Value ModuleWrap::forward_features(const Napi::CallbackInfo& info) {
  return with_js_errors(info.Env(), [&] {
    static_cast<void>(object()->resnet("forwardFeatures()"));  // throws for a block
    ForwardWork forward(object(), info[0]);
    auto& queue = forward.queue();
    return start_job(
        info.Env(),
        [forward = std::move(forward)](const Interrupt& interrupt) {
          const c10::InferenceMode inference;
          FeatureCollector collector(forward.network().resnet("forwardFeatures()"));
          forward(interrupt, &collector);
          return on_cpu(collector.features);
        },
        move_to_js, threads_from_js(info[1]), {}, queue);
  });
}

Napi::Value ModuleWrap::stages(const Napi::CallbackInfo& info) {
  return with_js_errors(info.Env(), [&] {
    static_cast<void>(object()->resnet("stages()"));
    ForwardWork forward(object(), info[0]);
    auto& queue = forward.queue();
    return start_job(
        info.Env(),
        [forward = std::move(forward)](const Interrupt& interrupt) {
          const c10::InferenceMode inference;
          FeatureCollector collector(forward.network().resnet("stages()"));
          forward(interrupt, &collector);
          std::vector<at::Tensor> maps;
          for (const auto& map : collector.stages) maps.push_back(on_cpu(map));
          return maps;
        },
        [](Napi::Env env, std::vector<at::Tensor> maps) {
          auto list = Napi::Array::New(env, maps.size());
          for (uint32_t i = 0; i < maps.size(); i++) list.Set(i, move_to_js(env, std::move(maps[i])));
          return list;
        },
        threads_from_js(info[1]), {}, queue);
  });
}

Napi::Value ModuleWrap::optimize(const Napi::CallbackInfo& info) {
  return with_js_errors(info.Env(), [&] {
    require_values(*object());
    static_cast<void>(object()->resnet("optimize()"));  // throws for a block
    auto options = optimize_options_from_js(info[0]);
    auto in_flight = std::make_shared<Network::InFlight>(object());
    auto& queue = object()->queue();
    return start_job(
        info.Env(),
        [in_flight = std::move(in_flight), options = std::move(options)](const Interrupt& interrupt) {
          in_flight->await_turn();
          const auto& network = in_flight->network();
          return std::make_shared<OptimizedResNet>(network.resnet("optimize()"), network.device(), options, interrupt);
        },
        OptimizedWrap::create, /*threads=*/0, {}, queue);
  });
}

Napi::Value ModuleWrap::train(const Napi::CallbackInfo& info) {
  return with_js_errors(info.Env(), [&] {
    object()->train(bool_argument(info[0], "mode"));
    return info.Env().Undefined();
  });
}

Napi::Value ModuleWrap::training(const Napi::CallbackInfo& info) {
  return with_js_errors(info.Env(), [&] { return Napi::Boolean::New(info.Env(), object()->training()); });
}

Napi::Value ModuleWrap::to(const Napi::CallbackInfo& info) {
  return with_js_errors(info.Env(), [&] {
    object()->require_idle("to()");
    object()->to(device_named(string_argument(info[0], "device")));
    return info.Env().Undefined();
  });
}

Napi::Value ModuleWrap::device(const Napi::CallbackInfo& info) {
  return with_js_errors(info.Env(), [&] { return Napi::String::New(info.Env(), object()->device().str()); });
}

Napi::Value ModuleWrap::state_spec(const Napi::CallbackInfo& info) {
  return with_js_errors(info.Env(), [&] {
    const auto env = info.Env();
    const auto state = object()->state();
    auto spec = Napi::Array::New(env, state.size());
    for (uint32_t i = 0; i < state.size(); i++) {
      auto item = Napi::Object::New(env);
      item.Set("name", state[i].first);
      item.Set("dtype", name_of(state[i].second.scalar_type()));
      item.Set("shape", shape_to_js(env, state[i].second.sizes()));
      spec.Set(i, item);
    }
    return spec;
  });
}

Napi::Value ModuleWrap::state_dict(const Napi::CallbackInfo& info) {
  return with_js_errors(info.Env(), [&] {
    const auto env = info.Env();
    require_values(*object());
    if (object()->training()) object()->require_idle("stateDict()");  // each moves the running statistics
    const auto state = object()->state();
    const std::lock_guard lock(object()->state_mutex());  // a trainer's step may be writing
    auto entries = Napi::Array::New(env, state.size());
    for (uint32_t i = 0; i < state.size(); i++) {
      const Napi::HandleScope scope(env);
      auto item = tensor_to_js(env, state[i].second.detach().to(at::kCPU).contiguous());
      item.Set("name", state[i].first);
      entries.Set(i, item);
    }
    return entries;
  });
}

Napi::Value ModuleWrap::load_state(const Napi::CallbackInfo& info) {
  return with_js_errors(info.Env(), [&] {
    const auto env = info.Env();
    require_values(*object());
    object()->require_idle("loadStateDict()");
    const auto entries = array_argument(info[0], "entries");
    const auto state = by_name(*object());
    const at::NoGradGuard no_grad;
    // Two passes: everything is checked before anything is written.
    for (const bool write : {false, true}) {
      for (uint32_t i = 0; i < entries.Length(); i++) {
        const Napi::HandleScope scope(env);
        const auto item = object_argument(entries.Get(i), "entry");
        const auto& destination = entry(state, string_argument(item.Get("name"), "name"));
        const auto value = tensor_from_js(item);
        if (value.sizes() != destination.sizes()) {
          throw Error("ERR_WEIGHTS_MISMATCH", "A tensor's shape is not that of the parameter of its name.");
        }
        if (!write) continue;
        object()->require_idle("loadStateDict()");  // again: a getter of the entry may have started a forward
        destination.copy_(value);
      }
    }
    return env.Undefined();
  });
}

Napi::Value ModuleWrap::read_state(const Napi::CallbackInfo& info) {
  return with_js_errors(info.Env(), [&]() -> Napi::Value {
    const auto env = info.Env();
    require_values(*object());
    auto path = string_argument(info[0], "path");
    const auto entries = array_argument(info[1], "entries");
    const auto state = by_name(*object());
    std::vector<Extent> extents;
    for (uint32_t i = 0; i < entries.Length(); i++) {
      const auto item = object_argument(entries.Get(i), "entry");
      const Extent extent{entry(state, string_argument(item.Get("name"), "name")),
                          dtype_named(string_argument(item.Get("dtype"), "dtype")),
                          integer_argument(item.Get("offset"), "offset", 0, (int64_t{1} << 53) - 1)};
      const auto bytes = extent.destination.numel() * static_cast<int64_t>(c10::elementSize(extent.dtype));
      if (integer_argument(item.Get("length"), "length", 0, (int64_t{1} << 53) - 1) != bytes) {
        throw Error("ERR_WEIGHTS_MISMATCH", "A tensor's size in the file is not that of the parameter of its name.");
      }
      extents.push_back(extent);
    }
    object()->require_idle("loading");  // last: a getter of an entry may have started a forward
    return start_read_state(env, object(), std::move(path), std::move(extents));
  });
}

Napi::Value ModuleWrap::trace(const Napi::CallbackInfo& info) {
  return with_js_errors(info.Env(), [&] {
    const auto env = info.Env();
    const auto rows = object()->trace(shape_argument(info[0], "inputShape"));
    auto out = Napi::Array::New(env, rows.size());
    for (uint32_t i = 0; i < rows.size(); i++) {
      auto row = Napi::Object::New(env);
      row.Set("type", rows[i].type);
      row.Set("inputShape", shape_to_js(env, rows[i].input_shape));
      row.Set("outputShape", shape_to_js(env, rows[i].output_shape));
      row.Set("parameters", static_cast<double>(rows[i].parameters));
      row.Set("statistics", static_cast<double>(rows[i].statistics));
      row.Set("multiplyAdds", rows[i].multiply_adds);
      out.Set(i, row);
    }
    return out;
  });
}

Napi::Value ModuleWrap::dispose(const Napi::CallbackInfo& info) {
  return with_js_errors(info.Env(), [&] {
    if (!is_disposed()) object()->require_no_trainer("dispose()");
    return TrackedWrap::dispose(info);
  });
}

}  // namespace resnet
