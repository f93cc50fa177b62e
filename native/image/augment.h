#pragma once

#include <ATen/ATen.h>

#include <array>
#include <cstdint>
#include <optional>
#include <vector>

#include "image/rgb.h"
#include "image/taps.h"

namespace resnet {

enum class ColorProperty : std::uint8_t { kBrightness, kContrast, kSaturation, kHue };

struct ColorAdjustment {
  ColorProperty property;
  double factor;  ///< from 0; of hue, from -0.5 to 0.5
};

/// The operations of torchvision's TrivialAugmentWide.
enum class TrivialOperation : std::uint8_t {
  kIdentity,
  kShearX,
  kShearY,
  kTranslateX,
  kTranslateY,
  kRotate,
  kBrightness,
  kColor,
  kContrast,
  kSharpness,
  kPosterize,
  kSolarize,
  kAutoContrast,
  kEqualize,
};

struct TrivialAugment {
  TrivialOperation operation;
  double magnitude;  ///< in torchvision's units, with its sign
};

struct Erasure {
  Box box;  ///< in the result
  std::array<uint8_t, 3> color;
};

/// What becomes of one picture, in this order.
struct AugmentPlan {
  Box box;       ///< the part of the picture that is used
  int64_t size;  ///< side of the square that it is resized to
  Interpolation interpolation;
  bool flip;
  std::vector<ColorAdjustment> jitter;
  std::optional<TrivialAugment> trivial;
  std::optional<Erasure> erasure;
};

/// Augments a picture as torchvision.transforms.v2 does on uint8: resized_crop (antialiased), horizontal_flip,
/// ColorJitter, TrivialAugmentWide (nearest, black beyond the border) and erase, with these parameters.
///
/// @param picture uint8 [H, W, 3]
/// @returns uint8 [size, size, 3]
/// @throws Error ERR_ARGUMENT if a box is empty or not within its picture
at::Tensor augment(const at::Tensor& picture, const AugmentPlan& plan);

}  // namespace resnet
