#include "inference/calibration.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "error.h"
#include "inference/torch_executor.h"

namespace resnet {
namespace {

constexpr int64_t kBins = 8192;
constexpr double kTrimmedFraction = 1e-4;

/// Whether at::histc can count in this range: it multiplies the width by the number of bins in float32.
bool is_countable(const Range& range) {
  return range.max > range.min && std::isfinite((range.max - range.min) * static_cast<float>(kBins));
}

/// `range` without kTrimmedFraction of all counts at each end.
Range trim(const Range& range, const at::Tensor& counts) {
  const auto* bins = counts.const_data_ptr<double>();
  double total = 0;
  for (int64_t i = 0; i < kBins; i++) total += bins[i];
  const auto first_kept_bin = [&](int64_t first, int64_t step) {
    double trimmed = 0;
    auto bin = first;
    while (bin >= 0 && bin < kBins && trimmed + bins[bin] <= total * kTrimmedFraction) {
      trimmed += bins[bin];
      bin += step;
    }
    return bin;
  };
  const auto width = (double{range.max} - range.min) / kBins;
  const auto start_of = [&](int64_t bin) {
    return std::clamp(static_cast<float>(range.min + width * static_cast<double>(bin)), range.min, range.max);
  };
  return {start_of(first_kept_bin(0, 1)), start_of(first_kept_bin(kBins - 1, -1) + 1)};
}

}  // namespace

std::vector<Range> calibrate(const Plan& plan, const ParameterSource& source, const std::vector<at::Tensor>& inputs,
                             CalibrationMethod method, const Normalization& normalization, const Interrupt& interrupt) {
  TorchExecutor executor(plan, source, at::kCPU, at::kFloat, normalization);
  const auto run_all = [&](const ValueObserver& observer) {
    for (const auto& input : inputs) executor.run(input, OutputPoint::kLogits, interrupt, observer);
  };

  constexpr auto kInfinity = std::numeric_limits<float>::infinity();
  std::vector<Range> ranges(plan.values, {kInfinity, -kInfinity});
  run_all([&](ValueId value, const at::Tensor& x) {
    const auto [min_tensor, max_tensor] = at::aminmax(x);
    const auto min = min_tensor.item<float>();
    const auto max = max_tensor.item<float>();
    if (!std::isfinite(min) || !std::isfinite(max)) {
      throw Error("ERR_CALIBRATION", "The calibration must give finite numbers, but of those of " +
                                         plan.names()[value] + " some are infinite or NaN.");
    }
    ranges[value] = {std::min(ranges[value].min, min), std::max(ranges[value].max, max)};
  });
  if (method == CalibrationMethod::kMinMax) return ranges;

  std::vector<at::Tensor> counts(plan.values);
  for (auto& count : counts) count = at::zeros({kBins}, at::kDouble);
  run_all([&](ValueId value, const at::Tensor& x) {
    const auto& range = ranges[value];
    if (is_countable(range)) counts[value] += at::histc(x, kBins, range.min, range.max).to(at::kDouble);
  });
  for (ValueId value = 0; value < plan.values; value++) {
    if (is_countable(ranges[value])) ranges[value] = trim(ranges[value], counts[value]);
  }
  return ranges;
}

std::vector<QuantParams> quant_params_for(const Plan& plan, const std::vector<Range>& ranges,
                                          const Normalization& normalization) {
  std::vector<bool> follows_relu(plan.values);
  for (const auto& step : plan.steps) {
    if (const auto* conv = std::get_if<Convolution>(&step)) follows_relu[conv->output] = conv->relu;
  }
  std::vector<QuantParams> quant_params;
  for (auto [min, max] : ranges) {
    if (follows_relu[quant_params.size()]) min = 0;
    if (quant_params.empty()) {  // the input: a picture may have any byte, whatever the calibration's pictures had
      for (std::size_t c = 0; c < 3; c++) {
        min = std::min(min, static_cast<float>(normalization.apply(0, c)));
        max = std::max(max, static_cast<float>(normalization.apply(1, c)));
      }
    }
    min = std::min(min, 0.0F);
    max = std::max(max, 0.0F);
    auto scale = (max - min) / 255;
    if (std::isinf(scale)) scale = max / 255 - min / 255;
    if (!std::isnormal(scale)) scale = 1;  // the range is 0, or so narrow that its steps would be subnormal
    quant_params.push_back({scale, static_cast<int32_t>(std::lround(-min / scale))});
  }
  // Pooling copies elements, so its output is quantized as its input.
  for (const auto& step : plan.steps) {
    if (const auto* pool = std::get_if<MaxPool>(&step)) quant_params[pool->output] = quant_params[pool->input];
  }
  return quant_params;
}

}  // namespace resnet
