#pragma once

#include <ATen/ATen.h>

#include <cstdint>

#include "inference/kernels/kernels.h"
#include "inference/parameters.h"
#include "inference/quantization.h"

namespace resnet {

int64_t bytes_of(kernels::Element element);

/// A convolution's parameters in the order in which a kernel reads them.
struct PackedParameters {
  at::Tensor weights;      ///< bytes: [panels][kernel][row_words][kPanel] words of 32 bits
  at::Tensor scale, bias;  ///< float32 [panels * kPanel]
  int64_t panels = 0;      ///< output channels / kPanel, rounded up
  int64_t panel_bytes = 0;
  int64_t row_words = 0;  ///< words in one row of a window
};

/// Packs on the calling thread's IntraOpPool.
/// @param in_channels of the input map; channels beyond the weight's get zeros
/// @param input for uint8 only: how the input is quantized
PackedParameters pack(const Parameters& parameters, kernels::Element element, int64_t in_channels,
                      QuantParams input = {});

}  // namespace resnet
