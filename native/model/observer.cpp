#include "model/observer.h"

namespace resnet {
namespace {
thread_local const Observing* latest = nullptr;
}

Observing::Observing(Observer& observer) : observer_(observer), previous_(latest) { latest = this; }

Observing::~Observing() { latest = previous_; }

at::Tensor notify_observers(const torch::nn::Module& layer, const at::Tensor& input, at::Tensor output) {
  for (const auto* one = latest; one != nullptr; one = one->previous_) one->observer_.ran(layer, input, output);
  return output;
}

}  // namespace resnet
