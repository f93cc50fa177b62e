#pragma once

#include <ATen/ATen.h>
#include <c10/core/Device.h>

#include <array>
#include <cstdint>

namespace resnet {

/// How uint8 pictures become the network's input, (value / 255 - mean) / std per channel:
/// torchvision.transforms.v2.functional.normalize after to_dtype(scale=True).
struct Normalization {
  std::array<double, 3> mean, std;

  /// @param value in [0, 1], a byte of the picture divided by 255
  [[nodiscard]] double apply(double value, std::size_t channel) const { return (value - mean[channel]) / std[channel]; }
};

/// The same for whole batches, in float32 on one device.
class BatchNormalizer {
 public:
  BatchNormalizer(const Normalization& normalization, c10::Device device);

  /// @param pictures uint8 [N, H, W, 3] on the device
  /// @returns float32 [N, 3, H, W]
  [[nodiscard]] at::Tensor operator()(const at::Tensor& pictures) const;

 private:
  at::Tensor mean_, std_;  ///< [1, 3, 1, 1]
};

}  // namespace resnet
