#include "image/augment.h"

#include <string>

#include "error.h"
#include "image/color.h"
#include "image/geometry.h"
#include "image/resize.h"

namespace resnet {
namespace {

void check_box(const Box& box, int64_t height, int64_t width, const char* name) {
  if (lies_within(box, height, width)) return;
  throw Error("ERR_ARGUMENT", std::string(name) + " must lie within the " + std::to_string(width) + " x " +
                                  std::to_string(height) + " pixels of its picture.");
}

void crop_and_resize(const at::Tensor& picture, const AugmentPlan& plan, uint8_t* output) {
  const auto& box = plan.box;
  const auto row_bytes = 3 * picture.size(1);
  const auto* first = picture.const_data_ptr<uint8_t>() + box.top * row_bytes + 3 * box.left;
  const auto taps = [&](int64_t length) {
    return antialiasing_taps({length, plan.size, 0, plan.size}, plan.interpolation);
  };
  resize({first, box.height, box.width, row_bytes}, taps(box.height), taps(box.width), output, 3 * plan.size);
}

void adjust(const RgbPixels& pixels, const ColorAdjustment& adjustment) {
  switch (adjustment.property) {
    case ColorProperty::kBrightness:
      return adjust_brightness(pixels, adjustment.factor);
    case ColorProperty::kContrast:
      return adjust_contrast(pixels, adjustment.factor);
    case ColorProperty::kSaturation:
      return adjust_saturation(pixels, adjustment.factor);
    case ColorProperty::kHue:
      return adjust_hue(pixels, adjustment.factor);
  }
}

void apply(const RgbPixels& pixels, const TrivialAugment& trivial) {
  const auto magnitude = trivial.magnitude;
  switch (trivial.operation) {
    case TrivialOperation::kIdentity:
      return;
    case TrivialOperation::kShearX:
      return shear_x(pixels, magnitude);
    case TrivialOperation::kShearY:
      return shear_y(pixels, magnitude);
    case TrivialOperation::kTranslateX:
      return translate(pixels, static_cast<int64_t>(magnitude), 0);
    case TrivialOperation::kTranslateY:
      return translate(pixels, 0, static_cast<int64_t>(magnitude));
    case TrivialOperation::kRotate:
      return rotate(pixels, magnitude);
    case TrivialOperation::kBrightness:
      return adjust_brightness(pixels, 1 + magnitude);
    case TrivialOperation::kColor:
      return adjust_saturation(pixels, 1 + magnitude);
    case TrivialOperation::kContrast:
      return adjust_contrast(pixels, 1 + magnitude);
    case TrivialOperation::kSharpness:
      return adjust_sharpness(pixels, 1 + magnitude);
    case TrivialOperation::kPosterize:
      return posterize(pixels, static_cast<int>(magnitude));
    case TrivialOperation::kSolarize:
      return solarize(pixels, 255 * magnitude);
    case TrivialOperation::kAutoContrast:
      return autocontrast(pixels);
    case TrivialOperation::kEqualize:
      return equalize(pixels);
  }
}

}  // namespace

at::Tensor augment(const at::Tensor& picture, const AugmentPlan& plan) {
  check_box(plan.box, picture.size(0), picture.size(1), "box");
  if (plan.erasure) check_box(plan.erasure->box, plan.size, plan.size, "erase.box");

  const c10::InferenceMode inference;
  auto result = at::empty({plan.size, plan.size, 3}, at::kByte);
  const RgbPixels pixels{result.mutable_data_ptr<uint8_t>(), plan.size, plan.size};
  crop_and_resize(picture.contiguous(), plan, pixels.data);
  if (plan.flip) flip_horizontally(pixels);
  for (const auto& adjustment : plan.jitter) adjust(pixels, adjustment);
  if (plan.trivial) apply(pixels, *plan.trivial);
  if (plan.erasure) erase(pixels, plan.erasure->box, plan.erasure->color);
  return result;
}

}  // namespace resnet
