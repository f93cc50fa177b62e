#pragma once

#include "image/rgb.h"

// torchvision.transforms.v2.functional on 8-bit RGB, in place. Each function gives the pixels of the one of that name,
// up to one level where an instruction set of libtorch rounds in another order.
namespace resnet {

/// @param factor from 0; 1 changes nothing, 0 is black
void adjust_brightness(const RgbPixels& pixels, double factor);
/// @param factor from 0; 0 is the mean gray everywhere
void adjust_contrast(const RgbPixels& pixels, double factor);
/// @param factor from 0; 0 is gray
void adjust_saturation(const RgbPixels& pixels, double factor);
/// @param shift of the hue, from -0.5 to 0.5 turns
void adjust_hue(const RgbPixels& pixels, double shift);
/// The outermost pixels stay as they are, as does a picture of at most two rows or columns.
/// @param factor from 0; 0 is blurred
void adjust_sharpness(const RgbPixels& pixels, double factor);

/// @param bits that each channel keeps, 0 to 8
void posterize(const RgbPixels& pixels, int bits);
/// Inverts values from `threshold` on.
void solarize(const RgbPixels& pixels, double threshold);
/// Stretches each channel to 0 to 255.
void autocontrast(const RgbPixels& pixels);
/// Makes each channel's histogram as flat as Pillow does.
void equalize(const RgbPixels& pixels);

}  // namespace resnet
