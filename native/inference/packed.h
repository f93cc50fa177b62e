#pragma once

#include <ATen/ATen.h>

#include <cstdint>

#include "inference/kernels/kernels.h"
#include "inference/plan.h"

namespace resnet {

/// How a value's uint8 elements stand for numbers: number = (element - zero) * scale.
struct QuantParams {
  float scale = 1;
  int32_t zero = 0;
};

int64_t bytes_of(kernels::Element element);

/// A convolution's parameters in the order in which a kernel reads them.
struct Packed {
  at::Tensor weights;      ///< bytes: [panels][kernel][words of a window's row][kPanel] words
  at::Tensor scale, bias;  ///< float32 [panels * kPanel]
  int64_t panels = 0;
  int64_t panel_bytes = 0;
  int64_t row_words = 0;
};

/// @param in_channels as the input map has them: at least the weight's, the rest meets zeros
/// @param input uint8 only: how the input is quantized
Packed pack(const Parameters& parameters, kernels::Element element, int64_t in_channels, QuantParams input = {});

}  // namespace resnet
