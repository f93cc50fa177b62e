#include "inference/calibration.h"

#include <algorithm>
#include <cmath>

#include "error.h"
#include "inference/torch_executor.h"

namespace resnet {
namespace {

constexpr int64_t kBins = 8192;
constexpr double kLeftOut = 1e-4;

/// Whether at::histc can count what lies in a range: it multiplies float32 widths by the number of bins.
bool countable(const Range& range) {
  return range.most > range.least && std::isfinite((range.most - range.least) * static_cast<float>(kBins));
}

/// The range that is left when kLeftOut of all counts is cut off at each end.
Range trimmed(const at::Tensor& counts, Range whole) {
  const auto* bins = counts.const_data_ptr<double>();
  double total = 0;
  for (int64_t i = 0; i < kBins; i++) total += bins[i];
  const auto edge = [&](int64_t first, int64_t step) {
    double cut = 0;
    auto bin = first;
    while (bin >= 0 && bin < kBins && cut + bins[bin] <= total * kLeftOut) {
      cut += bins[bin];
      bin += step;
    }
    return bin;
  };
  const auto width = (double{whole.most} - whole.least) / kBins;
  const auto start_of = [&](int64_t bin) {
    return std::clamp(static_cast<float>(whole.least + width * static_cast<double>(bin)), whole.least, whole.most);
  };
  return {start_of(edge(0, 1)), start_of(edge(kBins - 1, -1) + 1)};
}

}  // namespace

std::vector<Range> calibrate(const Plan& plan, const std::vector<at::Tensor>& inputs, CalibrationMethod method,
                             const Normalization& normalization, const Interrupt& interrupt) {
  TorchExecutor executor(plan, at::kCPU, at::kFloat, normalization);
  std::vector<Range> ranges(plan.values,
                            {std::numeric_limits<float>::infinity(), -std::numeric_limits<float>::infinity()});
  const auto each = [&](const ValueObserver& observer) {
    for (const auto& input : inputs) executor.run(input, OutputPoint::kLogits, interrupt, observer);
  };
  each([&](ValueId value, const at::Tensor& x) {
    const auto [least_of, most_of] = at::aminmax(x);
    const auto least = least_of.item<float>();
    const auto most = most_of.item<float>();
    if (!std::isfinite(least) || !std::isfinite(most)) {
      throw Error("ERR_CALIBRATION", "The calibration must give finite numbers, but of those of " +
                                         plan.names()[value] + " some are infinite or NaN.");
    }
    ranges[value] = {std::min(ranges[value].least, least), std::max(ranges[value].most, most)};
  });
  if (method == CalibrationMethod::kMinMax) return ranges;

  std::vector<at::Tensor> counts(plan.values);
  for (auto& count : counts) count = at::zeros({kBins}, at::kDouble);
  each([&](ValueId value, const at::Tensor& x) {
    const auto& range = ranges[value];
    if (countable(range)) counts[value] += at::histc(x, kBins, range.least, range.most).to(at::kDouble);
  });
  for (ValueId value = 0; value < plan.values; value++) {
    if (countable(ranges[value])) ranges[value] = trimmed(counts[value], ranges[value]);
  }
  return ranges;
}

std::vector<QuantParams> quant_params_for(const Plan& plan, const std::vector<Range>& ranges,
                                          const Normalization& normalization) {
  std::vector<bool> positive(plan.values);
  for (const auto& step : plan.steps) {
    if (const auto* conv = std::get_if<Convolution>(&step)) positive[conv->output] = conv->relu;
  }
  std::vector<QuantParams> quantized;
  for (auto [least, most] : ranges) {
    if (positive[quantized.size()]) least = 0;
    if (quantized.empty()) {  // a picture may hold any byte, whatever those of the calibration held
      for (std::size_t c = 0; c < 3; c++) {
        least = std::min(least, static_cast<float>((0 - normalization.mean[c]) / normalization.std[c]));
        most = std::max(most, static_cast<float>((1 - normalization.mean[c]) / normalization.std[c]));
      }
    }
    least = std::min(least, 0.0F);
    most = std::max(most, 0.0F);
    auto scale = (most - least) / 255;
    if (std::isinf(scale)) scale = most / 255 - least / 255;
    if (!std::isnormal(scale)) scale = 1;  // nothing but 0, or too near to it for its steps to be numbers
    quantized.push_back({scale, static_cast<int32_t>(std::lround(-least / scale))});
  }
  for (const auto& step : plan.steps) {
    if (const auto* pool = std::get_if<MaxPool>(&step)) quantized[pool->output] = quantized[pool->input];
  }
  return quantized;
}

}  // namespace resnet
