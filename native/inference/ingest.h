#pragma once

#include <ATen/ATen.h>

#include <array>
#include <cstdint>

#include "image/normalization.h"
#include "inference/kernels/kernels.h"
#include "inference/quantization.h"

namespace resnet {

/// Converts rows of a forward's input to rows of the input map, in the kernels' element type. Pixels have channels():
/// three for float32 and four for the other types, the fourth one zero.
class Ingest {
 public:
  Ingest(const kernels::Kernels& kernels, QuantParams quant_params, const Normalization& normalization);

  [[nodiscard]] int64_t channels() const { return kernels_.element == kernels::Element::kFloat32 ? 3 : 4; }

  /// Normalizes on the way.
  /// @param row of a picture, uint8 [width, 3]
  void convert_bytes(const uint8_t* row, int64_t width, char* output) const;

  /// @param row of the first channel, float32 [width]; the next channels' rows follow at a distance of `plane` floats
  /// @return false if a number is NaN or infinite and the element type has no such value
  [[nodiscard]] bool convert_floats(const float* row, int64_t plane, int64_t width, char* output) const;

 private:
  const kernels::Kernels& kernels_;
  QuantParams quant_params_;
  std::array<std::array<uint32_t, 256>, 3> table_{};  ///< by channel, the element of each byte
};

}  // namespace resnet
