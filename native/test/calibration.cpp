#include "inference/calibration.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "model/initialize.h"
#include "model/resnet.h"
#include "test/support.h"

namespace resnet {
namespace {

constexpr Normalization kNormalization{{0.5, 0.5, 0.5}, {0.5, 0.5, 0.5}};
const Interrupt kNever{false};

ResNet network() {
  const at::NoGradGuard no_grad;
  ResNet network(18, 10);
  initialize(*network, 5);
  network->eval();
  return network;
}

std::vector<Range> ranges_of(const ResNet& network, const std::vector<at::Tensor>& inputs, CalibrationMethod method) {
  return calibrate(plan_of(*network), ParameterSource(*network), inputs, method, kNormalization, kNever);
}

void expect_usable(const std::vector<QuantParams>& quant_params) {
  for (const auto& [scale, zero_point] : quant_params) {
    EXPECT_GT(scale, 0);
    EXPECT_GE(zero_point, 0);
    EXPECT_LE(zero_point, 255);
  }
}

/// The outputs of convolutions without ReLU, whose ranges are used as they are.
std::vector<ValueId> values_of_any_sign(const Plan& plan) {
  std::vector<ValueId> found;
  for (const auto& step : plan.steps) {
    const auto* conv = std::get_if<Convolution>(&step);
    if (conv != nullptr && !conv->relu) found.push_back(conv->output);
  }
  EXPECT_FALSE(found.empty());
  return found;
}

}  // namespace

TEST(Calibration, MinMaxCoversAllInputs) {
  const auto net = network();
  const auto low = at::full({1, 3, 33, 33}, -3.0);
  const auto high = at::full({2, 3, 40, 17}, 5.0);
  const auto ranges = ranges_of(net, {low, high}, CalibrationMethod::kMinMax);
  EXPECT_EQ(ranges[0].min, -3);
  EXPECT_EQ(ranges[0].max, 5);
  expect_usable(quant_params_for(plan_of(*net), ranges, kNormalization));
}

TEST(Calibration, PercentileLeavesOutliersOut) {
  const auto net = network();
  auto input = random_tensor({1, 3, 224, 224}, 3);
  input[0][0][0][0] = 1000;
  const auto all = ranges_of(net, {input}, CalibrationMethod::kMinMax);
  const auto trimmed = ranges_of(net, {input}, CalibrationMethod::kPercentile);
  EXPECT_EQ(all[0].max, 1000);
  EXPECT_LT(trimmed[0].max, 2);
  EXPECT_NEAR(trimmed[0].min, -1, 0.15);
  for (std::size_t i = 0; i < all.size(); i++) {
    EXPECT_GE(trimmed[i].min, all[i].min);
    EXPECT_LE(trimmed[i].max, all[i].max);
    EXPECT_LE(trimmed[i].min, trimmed[i].max);
  }
  expect_usable(quant_params_for(plan_of(*net), trimmed, kNormalization));
}

TEST(Calibration, PercentileNeverWidensARange) {
  const auto net = network();
  auto input = at::empty({1, 3, 7, 5});
  for (const int i : {1, 7, 12, 98, 200}) {
    const auto min = static_cast<float>(-0.37 * i);
    const auto max = static_cast<float>(1.0 / i);
    input.fill_(max);
    input[0][0] = min;
    const auto ranges = ranges_of(net, {input}, CalibrationMethod::kPercentile);
    EXPECT_EQ(ranges[0].min, min);
    EXPECT_LE(ranges[0].max, max);
    EXPECT_FLOAT_EQ(ranges[0].max, max);
  }
}

TEST(Calibration, PercentileKeepsRangesTooWideForAHistogram) {
  const auto net = network();
  for (const double value : {3e34, 1e36, 3e38}) {
    auto input = at::zeros({1, 3, 64, 64});
    input[0][0][0][0] = value;
    input[0][0][40][20] = -value;
    const auto ranges = ranges_of(net, {input}, CalibrationMethod::kPercentile);
    EXPECT_EQ(ranges[0].min, -static_cast<float>(value));
    EXPECT_EQ(ranges[0].max, static_cast<float>(value));
    expect_usable(quant_params_for(plan_of(*net), ranges, kNormalization));
  }
}

TEST(Calibration, ConstantInputsGiveUsableRanges) {
  const auto net = network();
  const auto plan = plan_of(*net);
  for (const double value : {0.0, 1.0}) {
    for (const auto method : {CalibrationMethod::kMinMax, CalibrationMethod::kPercentile}) {
      const auto ranges = ranges_of(net, {at::full({1, 3, 7, 5}, value)}, method);
      expect_usable(quant_params_for(plan, ranges, kNormalization));
    }
  }
}

TEST(Calibration, RejectsNumbersThatAreNotFinite) {
  const auto net = network();
  for (const double value : {std::nan(""), HUGE_VAL, -HUGE_VAL}) {
    auto input = at::ones({1, 3, 7, 5});
    input[0][1][2][3] = value;
    for (const auto method : {CalibrationMethod::kMinMax, CalibrationMethod::kPercentile}) {
      EXPECT_THROW(ranges_of(net, {at::ones({1, 3, 7, 5}), input}, method), Error) << value;
    }
  }
}

TEST(Calibration, EveryRangeGivesUsableQuantParams) {
  const auto net = network();
  const auto plan = plan_of(*net);
  constexpr auto kMax = std::numeric_limits<float>::max();
  for (const auto& range :
       {Range{0, 0}, {5, 6}, {-6, -5}, {1, -1}, {0, 1e-45F}, {-1e-45F, 0}, {-kMax, kMax}, {-kMax, 0}, {0, kMax}}) {
    const auto quant_params = quant_params_for(plan, std::vector<Range>(plan.values, range), kNormalization);
    EXPECT_EQ(quant_params.size(), static_cast<std::size_t>(plan.values));
    expect_usable(quant_params);
    // 255 steps cover the range and 0, unless the step is too small for a normal float32.
    const auto step = (std::max<double>(range.max, 0) - std::min<double>(range.min, 0)) / 255;
    if (step < std::numeric_limits<float>::min()) continue;
    for (const auto value : values_of_any_sign(plan)) EXPECT_NEAR(quant_params[value].scale, step, 1e-6 * step);
  }
}

}  // namespace resnet
