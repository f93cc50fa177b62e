#pragma once

#include <ATen/ATen.h>
#include <torch/nn/module.h>

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

namespace resnet {

/// What one layer or block did in a forward.
struct TraceRow {
  std::string type;  ///< the layer's name in the article, e.g. Conv2D
  std::vector<int64_t> input_shape, output_shape;
  int64_t parameters;  ///< learnable values
  int64_t statistics;  ///< running means and variances
  /// Of convolutions and Linear, bias left out, as torchvision counts; 0 elsewhere. Not an integer: shapes that no
  /// memory holds can be traced too, and have more than 2^63.
  double multiply_adds;
};

using Forward = std::function<at::Tensor(at::Tensor)>;

/// The rows of a forward over `input_shape`, in order of execution, without the network itself: what
/// paddle.summary lists. Works out shapes alone; reads and writes no value.
std::vector<TraceRow> trace(const torch::nn::Module& network, const Forward& forward,
                            const std::vector<int64_t>& input_shape);

}  // namespace resnet
