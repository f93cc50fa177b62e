#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "model/layer.h"

namespace resnet {

/// What one layer or block did in a forward: a row of a summary.
struct TraceRow {
  std::string type;  ///< the class in the article, e.g. Conv2D
  std::vector<int64_t> input_shape, output_shape;
  int64_t parameters;  ///< learnable values of the layer itself; its children have rows of their own
  int64_t statistics;  ///< running means and variances
  /// Of convolutions and Linear, without bias, as torchvision counts them; 0 for other layers. A double, because a
  /// shape that no memory could hold can be traced too, and the count then exceeds 2^63.
  double multiply_adds;
};

/// Traces a forward over `input_shape`: one row per layer and block in order of execution, without `network` itself,
/// as paddle.summary lists them. Works on shapes alone; no parameter is read or written.
std::vector<TraceRow> trace(Layer& network, const std::vector<int64_t>& input_shape);

}  // namespace resnet
