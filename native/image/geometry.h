#pragma once

#include <array>

#include "image/rgb.h"

// torchvision.transforms.v2.functional on 8-bit RGB, in place. What moves in takes the nearest pixel, and black where
// there is none.
namespace resnet {

void flip_horizontally(const RgbPixels& pixels);

/// torchvision's rotate: counterclockwise around the center, in degrees. The size stays.
void rotate(const RgbPixels& pixels, double degrees);
/// torchvision's affine with a shear, centered on the first pixel's corner: each pixel moves left by slope * y.
void shear_x(const RgbPixels& pixels, double slope);
/// The same, upward: each pixel moves up by slope * x.
void shear_y(const RgbPixels& pixels, double slope);
/// Moves everything right and down, by pixels.
void translate(const RgbPixels& pixels, int64_t right, int64_t down);

/// torchvision's erase. The box lies within the picture.
void erase(const RgbPixels& pixels, const Box& box, const std::array<uint8_t, 3>& color);

}  // namespace resnet
