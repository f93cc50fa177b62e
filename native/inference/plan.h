#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "model/resnet.h"

namespace resnet {

/// Where a forward ends: at the logits [N, numClasses], at the features in front of the classifier [N, C], or at the
/// last stage's feature map [N, C, H, W].
enum class OutputPoint : std::uint8_t { kLogits, kFeatures, kMap };

/// The number of a feature map in a plan; 0 is the input.
using ValueId = int;

/// Convolution with its batch norm folded in, plus the shortcut if there is one, then ReLU if `relu`.
struct Convolution {
  std::string name;        ///< in plans and calibration files, e.g. residual_block.0.conv_bn_block1
  std::string conv, norm;  ///< the two layers' names in the state dict, e.g. residual_block.0.conv_bn_block1.0 and .1
  ValueId input, output;
  std::optional<ValueId> shortcut;
  int64_t in_channels, out_channels, kernel, stride, padding;
  bool relu;
};

/// Max pooling over the output of a ReLU: padding with zeros is the same as with minus infinity there.
struct MaxPool {
  ValueId input, output;
  int64_t kernel, stride, padding;
};

/// Mean over height and width.
struct GlobalAverage {
  ValueId input, output;
};

/// The last layer, from features to logits.
struct Classifier {
  std::string name;  ///< in plans, calibration files and the state dict
  ValueId input, output;
  int64_t in_features, out_features;
};

using Step = std::variant<Convolution, MaxPool, GlobalAverage, Classifier>;

/// The values that a step reads and writes.
struct Operands {
  ValueId input, output;
  std::optional<ValueId> shortcut;
};
Operands operands_of(const Step& step);

/// A network as a list of steps in execution order, the same for every executor, device and dtype. It holds shapes and
/// names; the parameters come from a ParameterSource. Each value is written once, and a shortcut is read for the last
/// time by the step that adds it.
struct Plan {
  std::vector<Step> steps;
  int values = 1;  ///< their number, the input included

  /// The number of steps that a forward to `output` runs. The last two steps are GlobalAverage and Classifier.
  [[nodiscard]] std::size_t steps_to(OutputPoint output) const;

  /// For each value the last step that reads it; steps.size() for the logits, which no step reads.
  [[nodiscard]] std::vector<std::size_t> last_uses() const;

  /// For each value a name that is stable across versions, e.g. that of the convolution that writes it.
  [[nodiscard]] std::vector<std::string> names() const;

  /// For people, one line per step.
  [[nodiscard]] std::string text() const;
};

/// The plan of a ResNet in eval mode.
Plan plan_of(const ResNetImpl& network);

}  // namespace resnet
