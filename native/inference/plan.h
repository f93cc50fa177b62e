#pragma once

#include <ATen/ATen.h>

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <variant>
#include <vector>

namespace resnet {

/// Where a forward ends: at the logits [N, numClasses], at the features before the last layer [N, C], or at the last
/// stage's map [N, C, H, W].
enum class OutputPoint : std::uint8_t { kLogits, kFeatures, kMap };

/// The number of a map in a plan; 0 is the input.
using ValueId = int;

/// What a layer multiplies and adds, batch norm included: (weight * scale) * x + bias, scale and bias by output
/// channel. The product is left to whoever stores it in another order or dtype anyway, in float64: folding is where an
/// optimized network would lose its precision first.
struct Parameters {
  at::Tensor weight;  ///< float32 [out, in, kernel, kernel] or [out, in]; the network's own
  at::Tensor scale;   ///< float64 [out], on the CPU
  at::Tensor bias;    ///< float32 [out], on the CPU
};

/// Convolution + bias, + shortcut where there is one, then ReLU where it is said.
struct Convolution {
  std::string name;  ///< of the convolution in the state dict, e.g. residual_block.0.conv_bn_block1
  ValueId input, output;
  std::optional<ValueId> shortcut;
  int64_t in_channels, out_channels, kernel, stride, padding;
  bool relu;
  std::function<Parameters()> parameters;  ///< the network's as they are when it is called
};

/// 3 x 3, stride 2, padding 1, over what a ReLU gave.
struct MaxPool {
  ValueId input, output;
};

/// Mean over height and width.
struct GlobalAverage {
  ValueId input, output;
};

/// The last layer, from features to logits.
struct Classifier {
  std::string name;
  ValueId input, output;
  int64_t in_features, out_features;
  std::function<Parameters()> parameters;
};

using Step = std::variant<Convolution, MaxPool, GlobalAverage, Classifier>;

/// The values that a step reads and writes.
struct Operands {
  ValueId input, output;
  std::optional<ValueId> shortcut;
};
Operands operands_of(const Step& step);

/// A network as a list of what there is to compute, in order: what every executor reads, whatever its device and
/// dtype. Each value is written once; a shortcut is read for the last time where it is added.
struct Plan {
  std::vector<Step> steps;
  int values = 1;

  /// The number of steps until there. The last ones are the pooling and the classifier.
  [[nodiscard]] std::size_t steps_until(OutputPoint until) const;

  /// By value: the last step that reads it; the number of steps for the logits, which none does.
  [[nodiscard]] std::vector<std::size_t> last_uses() const;

  /// By value: a name for people and files, e.g. that of the convolution that writes it.
  [[nodiscard]] std::vector<std::string> names() const;

  /// One line for each step, for people.
  [[nodiscard]] std::string text() const;
};

class ResNetImpl;

/// The plan of a ResNet in eval mode. Its steps read `network` when their parameters are asked for.
///
/// @param release lets go of each convolution's weight once it is read: `network` is of no use afterward, and at no
///        time is there memory for two
Plan plan_of(const ResNetImpl& network, bool release = false);

}  // namespace resnet
