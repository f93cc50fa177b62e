#include "addon/module.h"

#include <random>
#include <unordered_map>
#include <utility>

#include "addon/arguments.h"
#include "addon/errors.h"
#include "addon/inside.h"
#include "addon/job.h"
#include "addon/optimized.h"
#include "addon/tensors.h"
#include "error.h"
#include "runtime/device.h"
#include "runtime/read_state.h"

namespace resnet {
namespace {

constexpr int64_t kMaxChannels = int64_t{1} << 20;

Spec spec_from_js(const Napi::Value& value) {
  const auto object = object_argument(value, "spec");
  const auto type = string_argument(object.Get("type"), "type");
  if (type == "ResNet") {
    return ResNetSpec{integer_argument(object.Get("layers"), "layers", 1, 1000),
                      integer_argument(object.Get("numClasses"), "numClasses", 1, kMaxChannels)};
  }
  const bool basic = type == "BasicBlock";
  if (!basic && type != "BottleneckBlock") throw Error("ERR_ARGUMENT", "type must be the name of a module.");
  return BlockSpec{basic ? BlockSpec::Type::kBasic : BlockSpec::Type::kBottleneck,
                   integer_argument(object.Get("inputChannels"), "inputChannels", 1, kMaxChannels),
                   integer_argument(object.Get("outputChannels"), "outputChannels", basic ? 1 : 4, kMaxChannels),
                   integer_argument(object.Get("stride"), "stride", 1, kMaxChannels)};
}

uint64_t seed_from_js(const Napi::Value& value) {
  if (value.IsUndefined()) return (uint64_t{std::random_device{}()} << 32) | std::random_device{}();
  return static_cast<uint64_t>(integer_argument(value, "seed", 0, (int64_t{1} << 53) - 1));
}

/// Fills the parameters from a file on one of libuv's threads: waiting for a disk is what they are for.
class ReadState : public Napi::AsyncWorker {
 public:
  ReadState(Napi::Env env, std::shared_ptr<Network> network, std::string path, std::vector<Extent> extents)
      : AsyncWorker(env),
        deferred_(env),
        in_flight_(std::make_unique<Network::InFlight>(std::move(network))),
        path_(std::move(path)),
        extents_(std::move(extents)) {}

  [[nodiscard]] Napi::Promise promise() const { return deferred_.Promise(); }

  void Execute() override {
    try {
      resnet::read_state(path_, extents_);
    } catch (...) {
      failure_ = std::current_exception();
    }
    in_flight_.reset();
  }

  void OnOK() override {
    if (failure_) {
      deferred_.Reject(to_js_error(Env(), failure_).Value());
    } else {
      deferred_.Resolve(Env().Undefined());
    }
  }

 private:
  Napi::Promise::Deferred deferred_;
  std::unique_ptr<Network::InFlight> in_flight_;
  std::string path_;
  std::vector<Extent> extents_;
  std::exception_ptr failure_;
};

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

}  // namespace

Napi::Function Module::define(Napi::Env env) {
  return DefineClass(env, "NativeModule",
                     {
                         InstanceMethod<&Module::forward>("forward"),
                         InstanceMethod<&Module::forward_sync>("forwardSync"),
                         InstanceMethod<&Module::forward_features>("forwardFeatures"),
                         InstanceMethod<&Module::stages>("stages"),
                         InstanceMethod<&Module::optimize>("optimize"),
                         InstanceMethod<&Module::train>("train"),
                         InstanceMethod<&Module::training>("training"),
                         InstanceMethod<&Module::to>("to"),
                         InstanceMethod<&Module::device>("device"),
                         InstanceMethod<&Module::state_spec>("stateSpec"),
                         InstanceMethod<&Module::state_dict>("stateDict"),
                         InstanceMethod<&Module::load_state>("loadState"),
                         InstanceMethod<&Module::read_state>("readState"),
                         InstanceMethod<&Module::trace>("trace"),
                         InstanceMethod<&Module::dispose>("dispose"),
                     });
}

Module::Module(const Napi::CallbackInfo& info) : ObjectWrap(info) {
  guarded(info.Env(), [&] {
    const auto spec = spec_from_js(info[0]);
    const auto options = object_argument(info[1], "options");
    const auto device = device_named(string_argument(options.Get("device"), "device"));
    const auto seed = seed_from_js(options.Get("seed"));
    network_ = std::make_shared<Network>(spec, device.is_meta());
    if (!device.is_meta()) {
      if (bool_argument(options.Get("initialize"), "initialize")) network_->initialize(seed);
      network_->to(device);
      reported_ = network_->bytes();
      Napi::MemoryManagement::AdjustExternalMemory(info.Env(), reported_);
    }
  });
}

void Module::Finalize(Napi::BasicEnv env) { release(env); }

void Module::release(Napi::BasicEnv env) {
  network_.reset();
  if (reported_ != 0) Napi::MemoryManagement::AdjustExternalMemory(env, -std::exchange(reported_, 0));
}

const std::shared_ptr<Network>& Module::network() const {
  if (!network_) throw Error("ERR_DISPOSED", "The module was disposed of.");
  return network_;
}

Napi::Value Module::forward(const Napi::CallbackInfo& info) {
  return guarded(info.Env(), [&]() -> Napi::Value {
    auto x = tensor_from_js(info[0]);
    network()->check_input(x.sizes().vec());
    auto in_flight = std::make_shared<Network::InFlight>(network());
    return start_job(info.Env(), [in_flight = std::move(in_flight), x = std::move(x)](const Interrupt& interrupt) {
      return in_flight->forward(x, interrupt);
    });
  });
}

Napi::Value Module::forward_sync(const Napi::CallbackInfo& info) {
  return guarded(info.Env(), [&]() -> Napi::Value {
    auto x = tensor_from_js(info[0]);
    network()->check_input(x.sizes().vec());
    auto in_flight = std::make_shared<Network::InFlight>(network());
    auto y = run_job([in_flight = std::move(in_flight), x = std::move(x)](const Interrupt& interrupt) {
      return in_flight->forward(x, interrupt);
    });
    return give_to_js(info.Env(), std::move(y));
  });
}

Napi::Value Module::forward_features(const Napi::CallbackInfo& info) {
  return guarded(info.Env(), [&] { return start_features(info.Env(), network(), info[0], info[1]); });
}

Napi::Value Module::stages(const Napi::CallbackInfo& info) {
  return guarded(info.Env(), [&] { return start_stages(info.Env(), network(), info[0], info[1]); });
}

Napi::Value Module::optimize(const Napi::CallbackInfo& info) {
  return guarded(info.Env(), [&]() -> Napi::Value {
    require_values(*network());
    static_cast<void>(network()->resnet("optimize()"));  // throws for a block
    return start_optimize(info.Env(), network(), info[0]);
  });
}

Napi::Value Module::train(const Napi::CallbackInfo& info) {
  return guarded(info.Env(), [&] {
    network()->train(bool_argument(info[0], "mode"));
    return info.Env().Undefined();
  });
}

Napi::Value Module::training(const Napi::CallbackInfo& info) {
  return guarded(info.Env(), [&] { return Napi::Boolean::New(info.Env(), network()->training()); });
}

Napi::Value Module::to(const Napi::CallbackInfo& info) {
  return guarded(info.Env(), [&] {
    network()->require_idle("to()");
    network()->to(device_named(string_argument(info[0], "device")));
    return info.Env().Undefined();
  });
}

Napi::Value Module::device(const Napi::CallbackInfo& info) {
  return guarded(info.Env(), [&] { return Napi::String::New(info.Env(), network()->device().str()); });
}

Napi::Value Module::state_spec(const Napi::CallbackInfo& info) {
  return guarded(info.Env(), [&] {
    const auto env = info.Env();
    const auto state = network()->state();
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

Napi::Value Module::state_dict(const Napi::CallbackInfo& info) {
  return guarded(info.Env(), [&] {
    const auto env = info.Env();
    require_values(*network());
    if (network()->training()) network()->require_idle("stateDict()");  // the statistics are moving
    const auto state = network()->state();
    auto entries = Napi::Array::New(env, state.size());
    for (uint32_t i = 0; i < state.size(); i++) {
      const Napi::HandleScope scope(env);
      auto item = tensor_to_js(env, state[i].second.to(at::kCPU).contiguous());
      item.Set("name", state[i].first);
      entries.Set(i, item);
    }
    return entries;
  });
}

Napi::Value Module::load_state(const Napi::CallbackInfo& info) {
  return guarded(info.Env(), [&] {
    const auto env = info.Env();
    require_values(*network());
    network()->require_idle("loadStateDict()");
    const auto entries = array_argument(info[0], "entries");
    const auto state = by_name(*network());
    const at::NoGradGuard no_grad;
    // Twice over the list: all of it is known to fit before any of it is written.
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
        network()->require_idle("loadStateDict()");  // again: reading the entry may have run code of the caller's
        destination.copy_(value);
      }
    }
    return env.Undefined();
  });
}

Napi::Value Module::read_state(const Napi::CallbackInfo& info) {
  return guarded(info.Env(), [&]() -> Napi::Value {
    const auto env = info.Env();
    require_values(*network());
    auto path = string_argument(info[0], "path");
    const auto entries = array_argument(info[1], "entries");
    const auto state = by_name(*network());
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
    network()->require_idle("loading");  // last: reading the entries may have run code of the caller's
    auto* worker = new ReadState(env, network(), std::move(path), std::move(extents));
    const auto promise = worker->promise();
    worker->Queue();  // deletes itself when it is done
    return promise;
  });
}

Napi::Value Module::trace(const Napi::CallbackInfo& info) {
  return guarded(info.Env(), [&] {
    const auto env = info.Env();
    const auto rows = network()->trace(shape_argument(info[0], "inputShape"));
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

Napi::Value Module::dispose(const Napi::CallbackInfo& info) {
  release(info.Env());
  return info.Env().Undefined();
}

Preprocess preprocess_from_js(const Napi::Value& value) {
  constexpr int64_t kLongestSide = 1 << 14;
  constexpr int64_t kLongestCrop = 1 << 12;
  const auto object = object_argument(value, "preprocess");
  const auto interpolation = string_argument(object.Get("interpolation"), "interpolation");
  if (interpolation != "bilinear" && interpolation != "bicubic") {
    throw Error("ERR_ARGUMENT", "interpolation must be 'bilinear' or 'bicubic'.");
  }
  return Preprocess{integer_argument(object.Get("resize"), "resize", 1, kLongestSide),
                    integer_argument(object.Get("crop"), "crop", 1, kLongestCrop),
                    interpolation == "bicubic" ? Interpolation::kBicubic : Interpolation::kBilinear,
                    three_numbers_argument(object.Get("mean"), "mean"),
                    three_numbers_argument(object.Get("std"), "std")};
}

}  // namespace resnet
