#include "addon/options.h"

#include <array>
#include <cstddef>
#include <limits>
#include <optional>
#include <random>
#include <string>
#include <unordered_map>

#include "addon/arguments.h"
#include "addon/tensors.h"
#include "error.h"
#include "runtime/input.h"

namespace resnet {
namespace {

constexpr int64_t kMaxSafeInteger = (int64_t{1} << 53) - 1;
constexpr int64_t kMaxChannels = int64_t{1} << 20;
constexpr int64_t kMaxThreads = 1024;
constexpr int64_t kMaxResize = 1 << 14;
constexpr int64_t kMaxCrop = 1 << 12;

constexpr std::array<Choice<Interpolation>, 2> kInterpolations{
    {{"bilinear", Interpolation::kBilinear}, {"bicubic", Interpolation::kBicubic}}};
constexpr std::array<Choice<bool>, 2> kOptimizers{{{"sgd", true}, {"adamw", false}}};
constexpr std::array<Choice<LossOptions::Kind>, 2> kLosses{
    {{"cross-entropy", LossOptions::Kind::kCrossEntropy},
     {"binary-cross-entropy", LossOptions::Kind::kBinaryCrossEntropy}}};
constexpr std::array<Choice<BatchNormMode>, 3> kBatchNormModes{{{"frozen-with-layer", BatchNormMode::kFrozenWithLayer},
                                                                {"train", BatchNormMode::kTrain},
                                                                {"frozen", BatchNormMode::kFrozen}}};

uint64_t seed_from_js(const Napi::Value& value) {
  if (value.IsUndefined()) return (uint64_t{std::random_device{}()} << 32) | std::random_device{}();
  return static_cast<uint64_t>(integer_argument(value, "seed", 0, kMaxSafeInteger));
}

/// By name, from a list of { name, min, max }.
std::unordered_map<std::string, Range> ranges_from_js(const Napi::Value& value) {
  const auto list = array_argument(value, "ranges");
  std::unordered_map<std::string, Range> ranges;
  for (uint32_t i = 0; i < list.Length(); i++) {
    const auto item = object_argument(list.Get(i), "range");
    const auto name = string_argument(item.Get("name"), "name");
    const auto min = number_argument(item.Get("min"), "min");
    const auto max = number_argument(item.Get("max"), "max");
    constexpr double kMaxFloat = std::numeric_limits<float>::max();
    if (!(-kMaxFloat <= min && min <= max && max <= kMaxFloat)) {
      throw Error("ERR_CALIBRATION", "The range of " + name + " must be two numbers of float32, the lesser first.");
    }
    ranges[name] = {static_cast<float>(min), static_cast<float>(max)};
  }
  return ranges;
}

/// uint8 [N, H, W, 3] or float32 [N, 3, H, W] each.
std::vector<at::Tensor> calibration_from_js(const Napi::Value& value) {
  const auto list = array_argument(value, "calibration");
  std::vector<at::Tensor> inputs;
  for (uint32_t i = 0; i < list.Length(); i++) {
    const auto input = tensor_from_js(list.Get(i));
    const bool pictures = input.scalar_type() == at::kByte;
    if (pictures) {
      check_pictures(input.sizes().vec());
    } else {
      check_input(input.sizes().vec(), 3);
    }
    inputs.push_back(pictures ? input : input.to(at::kFloat));
  }
  return inputs;
}

}  // namespace

Spec spec_from_js(const Napi::Value& value) {
  const auto object = object_argument(value, "spec");
  const auto type = string_argument(object.Get("type"), "type");
  if (type == "ResNet") {
    return ResNetSpec{integer_argument(object.Get("layers"), "layers", 1, 1000),
                      integer_argument(object.Get("numClasses"), "numClasses", 1, kMaxChannels)};
  }
  const bool basic = type == "BasicBlock";
  if (!basic && type != "BottleneckBlock") throw Error("ERR_ARGUMENT", "type must be the name of a module.");
  return BlockSpec{basic ? BlockSpec::Type::kBasic : BlockSpec::Type::kBottleneck,
                   integer_argument(object.Get("inputChannels"), "inputChannels", 1, kMaxChannels),
                   integer_argument(object.Get("outputChannels"), "outputChannels", basic ? 1 : 4, kMaxChannels),
                   integer_argument(object.Get("stride"), "stride", 1, kMaxChannels)};
}

ModuleOptions module_options_from_js(const Napi::Value& value) {
  const auto object = object_argument(value, "options");
  return {string_argument(object.Get("device"), "device"), seed_from_js(object.Get("seed")),
          bool_argument(object.Get("initialize"), "initialize")};
}

OptimizeOptions optimize_options_from_js(const Napi::Value& value) {
  const auto object = object_argument(value, "options");
  OptimizeOptions options;
  options.dtype = optimized_dtype_from_js(object.Get("dtype"));
  options.normalization = {three_numbers_argument(object.Get("mean"), "mean"),
                           three_numbers_argument(object.Get("std"), "std")};
  const auto ranges = object.Get("ranges");
  if (!ranges.IsUndefined()) options.ranges = ranges_from_js(ranges);
  const auto calibration = object.Get("calibration");
  if (!calibration.IsUndefined()) options.calibration = calibration_from_js(calibration);
  if (bool_argument(object.Get("percentile"), "percentile")) options.method = CalibrationMethod::kPercentile;
  options.consume = bool_argument(object.Get("consume"), "consume");
  if (options.dtype == OptimizeOptions::DType::kInt8 && !options.ranges && options.calibration.empty()) {
    throw Error("ERR_CALIBRATION", "int8 needs a calibration: inputs like those to come, or a saved one.");
  }
  return options;
}

TrainerOptions trainer_options_from_js(const Napi::Value& value) {
  const auto object = object_argument(value, "options");
  const auto optional_number = [&object](const char* name) -> std::optional<double> {
    const Napi::Value field = object.Get(name);
    if (field.IsUndefined()) return {};
    return number_argument(field, name);
  };
  TrainerOptions options;
  const auto optimizer = object_argument(object.Get("optimizer"), "optimizer");
  const auto optimizer_number = [&optimizer](const char* name) { return number_argument(optimizer.Get(name), name); };
  if (choice_argument(optimizer.Get("name"), "optimizer.name", kOptimizers)) {
    options.optimizer = SgdOptions{optimizer_number("momentum"), optimizer_number("dampening"),
                                   bool_argument(optimizer.Get("nesterov"), "nesterov")};
  } else {
    options.optimizer = AdamWOptions{optimizer_number("beta1"), optimizer_number("beta2"), optimizer_number("eps")};
  }
  options.weight_decay = optimizer_number("weightDecay");
  options.decay_norms = bool_argument(optimizer.Get("decayNorms"), "decayNorms");
  options.backbone_rate = number_argument(object.Get("backboneRate"), "backboneRate");

  const auto loss = object_argument(object.Get("loss"), "loss");
  options.loss.kind = choice_argument(loss.Get("name"), "loss.name", kLosses);
  options.loss.label_smoothing = number_argument(loss.Get("labelSmoothing"), "labelSmoothing");
  const Napi::Value weights = loss.Get("classWeights");
  if (!weights.IsUndefined()) options.loss.class_weights = tensor_from_js(weights).to(at::kFloat);

  const auto freeze = object_argument(object.Get("freeze"), "freeze");
  options.freeze = {bool_argument(freeze.Get("stem"), "stem"), integer_argument(freeze.Get("stages"), "stages", 0, 4)};
  options.batch_norm = choice_argument(object.Get("batchNorm"), "batchNorm", kBatchNormModes);
  options.clip_grad_norm = optional_number("clipGradNorm");
  options.ema_decay = optional_number("emaDecay");
  options.bfloat16 = bool_argument(object.Get("bfloat16"), "bfloat16");
  options.normalization = {three_numbers_argument(object.Get("mean"), "mean"),
                           three_numbers_argument(object.Get("std"), "std")};
  return options;
}

OptimizeOptions::DType optimized_dtype_from_js(const Napi::Value& value) {
  const auto name = string_argument(value, "dtype");
  if (name == "float32") return OptimizeOptions::DType::kFloat32;
  if (name == "bfloat16") return OptimizeOptions::DType::kBFloat16;
  if (name == "int8") return OptimizeOptions::DType::kInt8;
  throw Error("ERR_UNSUPPORTED_DTYPE", "dtype must be 'float32', 'bfloat16' or 'int8'.");
}

Interpolation interpolation_from_js(const Napi::Value& value) {
  return choice_argument(value, "interpolation", kInterpolations);
}

Preprocess preprocess_from_js(const Napi::Value& value) {
  const auto object = object_argument(value, "preprocess");
  const auto interpolation = interpolation_from_js(object.Get("interpolation"));
  return Preprocess{integer_argument(object.Get("resize"), "resize", 1, kMaxResize),
                    integer_argument(object.Get("crop"), "crop", 1, kMaxCrop), interpolation};
}

int threads_from_js(const Napi::Value& value) {
  return static_cast<int>(integer_argument(value, "threads", 0, kMaxThreads));
}

}  // namespace resnet
