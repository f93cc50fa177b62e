#pragma once

#include <ATen/ATen.h>

#include <string>
#include <unordered_map>

#include "inference/plan.h"
#include "model/resnet.h"

namespace resnet {

/// The parameters of one step, batch norm included: y = (weight * scale) x + bias, with scale and bias per output
/// channel. Weight and scale are multiplied later, in float64, when the weights are converted to another order or
/// dtype, so that folding loses no precision.
struct Parameters {
  at::Tensor weight;  ///< float32 [out, in, kernel, kernel] or [out, in]; shares memory with the network
  at::Tensor scale;   ///< float64 [out], on the CPU
  at::Tensor bias;    ///< float32 [out], on the CPU
};

/// Reads the parameters of a plan's steps from the network that the plan was made of.
class ParameterSource {
 public:
  /// @param consume releases each convolution's weight from the network as soon as it is read, so that packing never
  ///        needs memory for two copies. The network cannot be used afterward.
  explicit ParameterSource(const ResNetImpl& network, bool consume = false);

  [[nodiscard]] Parameters read(const Convolution& step) const;
  [[nodiscard]] Parameters read(const Classifier& step) const;

 private:
  std::unordered_map<std::string, at::Tensor> state_;  ///< the network's state dict
  bool consume_;
};

}  // namespace resnet
