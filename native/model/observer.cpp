#include "model/observer.h"

namespace resnet {
namespace {
thread_local Observer* current = nullptr;
}

Observing::Observing(Observer& observer) : previous_(current) { current = &observer; }

Observing::~Observing() { current = previous_; }

at::Tensor observed(const torch::nn::Module& layer, const at::Tensor& input, at::Tensor output) {
  if (current != nullptr) current->ran(layer, input, output);
  return output;
}

}  // namespace resnet
