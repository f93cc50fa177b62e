#include "model/state.h"

namespace resnet {
namespace {

using State = std::vector<std::pair<std::string, at::Tensor>>;

void collect(const torch::nn::Module& module, const std::string& prefix, State& state) {
  for (const auto& parameter : module.named_parameters(/*recurse=*/false)) {
    state.emplace_back(prefix + parameter.key(), parameter.value());
  }
  for (const auto& buffer : module.named_buffers(/*recurse=*/false)) {
    state.emplace_back(prefix + buffer.key(), buffer.value());
  }
  for (const auto& child : module.named_children()) {
    collect(*child.value(), prefix + child.key() + ".", state);
  }
}

}  // namespace

State state_of(const torch::nn::Module& network) {
  State state;
  collect(network, "", state);
  return state;
}

}  // namespace resnet
