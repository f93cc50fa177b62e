#pragma once

#include <ATen/ATen.h>

#include <array>
#include <cstdint>

#include "inference/kernels/kernels.h"
#include "inference/normalization.h"
#include "inference/packed.h"

namespace resnet {

/// FifoGate rows of what a forward is given into rows of the input map: pixels of `channels` elements each, those
/// beyond the third 0. Three channels of float32, four of the other types.
class Ingest {
 public:
  Ingest(const kernels::Kernels& kernels, QuantParams quantized, const Normalization& normalization);

  [[nodiscard]] int64_t channels() const { return kernels_.element == kernels::Element::kFloat32 ? 3 : 4; }

  /// @param row of a picture, uint8 [width, 3]
  void bytes(const uint8_t* row, int64_t width, char* to) const;

  /// @param row of the first channel, float32 [width]; those of the others lie `plane` values behind each other
  void floats(const float* row, int64_t plane, int64_t width, char* to) const;

 private:
  const kernels::Kernels& kernels_;
  QuantParams quant_params_;
  std::array<std::array<uint32_t, 256>, 3> table_{};  ///< the element of each byte, by channel
};

}  // namespace resnet
