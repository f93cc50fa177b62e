#include "addon/inside.h"

#include <c10/core/InferenceMode.h>

#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "addon/arguments.h"
#include "addon/job.h"
#include "addon/tensors.h"
#include "error.h"
#include "model/feature_collector.h"
#include "model/resnet.h"

namespace resnet {
namespace {

using Tensors = std::vector<at::Tensor>;

at::Tensor on_cpu(const at::Tensor& tensor) { return tensor.to(at::kCPU).contiguous(); }

/// Queues a forward over `value` and then `take`, on the same thread, for what the promise gets of it.
/// @param deliver makes of what `take` took what JavaScript gets
Napi::Object start(Napi::Env env, const std::shared_ptr<Network>& network, const Napi::Value& value,
                   const Napi::Value& threads,
                   std::function<Tensors(const FeatureCollector&, const at::Tensor& logits, Network&)> take,
                   std::function<Napi::Value(Napi::Env, Tensors)> deliver) {
  auto x = tensor_from_js(value);
  network->check_input(x.sizes().vec());
  const auto team = static_cast<int>(integer_argument(threads, "threads", 0, kMaxThreads));
  auto taken = std::make_shared<Tensors>();
  auto in_flight = std::make_shared<Network::InFlight>(network);
  return start_job(
      env,
      [taken, in_flight = std::move(in_flight), x = std::move(x), take = std::move(take)](const Interrupt& interrupt) {
        const c10::InferenceMode inference;
        FeatureCollector inside(in_flight->network().resnet("forwardFeatures()"));
        const auto logits = in_flight->forward(x, interrupt, &inside);
        *taken = take(inside, logits, in_flight->network());
        return at::Tensor();
      },
      team,
      [taken, deliver = std::move(deliver)](Napi::Env env, const at::Tensor&) {
        return deliver(env, std::move(*taken));
      });
}

}  // namespace

Napi::Object start_features(Napi::Env env, const std::shared_ptr<Network>& network, const Napi::Value& x,
                            const Napi::Value& threads) {
  static_cast<void>(network->resnet("forwardFeatures()"));  // throws for a block
  return start(
      env, network, x, threads,
      [](const FeatureCollector& inside, const at::Tensor&, Network&) { return Tensors{on_cpu(inside.features)}; },
      [](Napi::Env env, Tensors taken) -> Napi::Value { return give_to_js(env, std::move(taken[0])); });
}

Napi::Object start_stages(Napi::Env env, const std::shared_ptr<Network>& network, const Napi::Value& x,
                          const Napi::Value& threads) {
  static_cast<void>(network->resnet("stages()"));
  return start(
      env, network, x, threads,
      [](const FeatureCollector& inside, const at::Tensor&, Network&) {
        Tensors maps;
        for (const auto& map : inside.stages) maps.push_back(on_cpu(map));
        return maps;
      },
      [](Napi::Env env, Tensors taken) -> Napi::Value {
        auto list = Napi::Array::New(env, taken.size());
        for (uint32_t i = 0; i < taken.size(); i++) list.Set(i, give_to_js(env, std::move(taken[i])));
        return list;
      });
}

}  // namespace resnet
