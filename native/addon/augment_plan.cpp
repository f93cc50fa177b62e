#include "addon/augment_plan.h"

#include <array>
#include <string>

#include "addon/arguments.h"
#include "addon/options.h"
#include "error.h"

namespace resnet {
namespace {

constexpr int64_t kMaxSize = int64_t{1} << 12;
constexpr double kMaxFactor = 1000;

/// A value and the numbers that may go with it.
template <class T>
struct Bounded {
  T value;
  double min, max;
};

constexpr std::array<Choice<Bounded<ColorProperty>>, 4> kProperties{{
    {"brightness", {ColorProperty::kBrightness, 0, kMaxFactor}},
    {"contrast", {ColorProperty::kContrast, 0, kMaxFactor}},
    {"saturation", {ColorProperty::kSaturation, 0, kMaxFactor}},
    {"hue", {ColorProperty::kHue, -0.5, 0.5}},
}};

constexpr std::array<Choice<Bounded<TrivialOperation>>, 14> kOperations{{
    {"identity", {TrivialOperation::kIdentity, 0, 0}},
    {"shearX", {TrivialOperation::kShearX, -10, 10}},
    {"shearY", {TrivialOperation::kShearY, -10, 10}},
    {"translateX", {TrivialOperation::kTranslateX, -kMaxSize, kMaxSize}},
    {"translateY", {TrivialOperation::kTranslateY, -kMaxSize, kMaxSize}},
    {"rotate", {TrivialOperation::kRotate, -360, 360}},
    {"brightness", {TrivialOperation::kBrightness, -1, kMaxFactor}},
    {"color", {TrivialOperation::kColor, -1, kMaxFactor}},
    {"contrast", {TrivialOperation::kContrast, -1, kMaxFactor}},
    {"sharpness", {TrivialOperation::kSharpness, -1, kMaxFactor}},
    {"posterize", {TrivialOperation::kPosterize, 0, 8}},
    {"solarize", {TrivialOperation::kSolarize, 0, 1}},
    {"autoContrast", {TrivialOperation::kAutoContrast, 0, 0}},
    {"equalize", {TrivialOperation::kEqualize, 0, 0}},
}};

std::vector<ColorAdjustment> jitter_from_js(const Napi::Value& value) {
  const auto object = object_argument(value, "jitter");
  const auto order = array_argument(object.Get("order"), "jitter.order");
  const auto count = order.Length();
  if (count > kProperties.size()) throw Error("ERR_ARGUMENT", "jitter.order must hold at most four names.");
  std::vector<ColorAdjustment> jitter;
  for (uint32_t i = 0; i < count; i++) {
    const auto name = string_argument(order.Get(i), "jitter.order");
    const auto& [property, min, max] = choice_argument(order.Get(i), "jitter.order", kProperties);
    jitter.push_back({property, number_argument(object.Get(name), "jitter." + name, min, max)});
  }
  return jitter;
}

TrivialAugment trivial_from_js(const Napi::Value& value) {
  const auto object = object_argument(value, "trivial");
  const auto& [operation, min, max] = choice_argument(object.Get("operation"), "trivial.operation", kOperations);
  return {operation, number_argument(object.Get("magnitude"), "trivial.magnitude", min, max)};
}

Erasure erasure_from_js(const Napi::Value& value) {
  const auto object = object_argument(value, "erase");
  Erasure erasure{box_argument(object.Get("box"), "erase.box"), {}};
  const auto color = array_argument(object.Get("value"), "erase.value");
  if (color.Length() != 3) throw Error("ERR_ARGUMENT", "erase.value must hold red, green and blue.");
  for (uint32_t i = 0; i < 3; i++) {
    erasure.color[i] = static_cast<uint8_t>(integer_argument(color.Get(i), "erase.value", 0, 255));
  }
  return erasure;
}

}  // namespace

AugmentPlan augment_plan_from_js(const Napi::Value& value) {
  const auto object = object_argument(value, "plan");
  AugmentPlan plan{box_argument(object.Get("box"), "box"),
                   integer_argument(object.Get("size"), "size", 1, kMaxSize),
                   interpolation_from_js(object.Get("interpolation")),
                   bool_argument(object.Get("flip"), "flip"),
                   {},
                   {},
                   {}};
  const Napi::Value jitter = object.Get("jitter");
  if (!jitter.IsUndefined()) plan.jitter = jitter_from_js(jitter);
  const Napi::Value trivial = object.Get("trivial");
  if (!trivial.IsUndefined()) plan.trivial = trivial_from_js(trivial);
  const Napi::Value erase = object.Get("erase");
  if (!erase.IsUndefined()) plan.erasure = erasure_from_js(erase);
  return plan;
}

}  // namespace resnet
